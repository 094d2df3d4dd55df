#!/bin/sh
# Shared objects of the tree are loaded: by path, as a Python module.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir lib; echo 'int f(void) { return 9; }' >f.c; gcc -shared -fPIC -o lib/libf.so f.c; mkdir mod; echo 'x = 5' >mod/plain.py
    program dl -ldl -Wl,-rpath,"$TREE/lib" <<'C'
#include <dlfcn.h>
#include <stdio.h>
int main(int n, char **a) { void *h = dlopen(a[1], RTLD_NOW); if (!h) { fprintf(stderr, "%s\n", dlerror()); return 1; } return ((int (*)(void))dlsym(h, "f"))(); }
C
}
body() {
    for how in lib/libf.so "$TREE/lib/libf.so" ./lib/../lib/libf.so; do
        if "$PROGRAMS/dl" "$how"; then fail "$how"; else same "$how" "$?" 9; fi
    done
    same ctypes "$(python -c 'import ctypes; print(ctypes.CDLL("lib/libf.so").f())')" 9
    same module "$(PYTHONPATH=mod python -c 'import plain; print(plain.x)')" 5
    refused 'cannot open shared object' "$PROGRAMS/dl" lib/none.so
}
play "$@"
