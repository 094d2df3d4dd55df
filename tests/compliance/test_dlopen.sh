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
    # One that needs others, by where it says that they are: as in Python's wheels, and by a whole path.
    mkdir x.libs; echo 'int g(void) { return 4; }' >g.c; echo 'int g(void); int f(void) { return g() + 7; }' >h.c
    gcc -shared -fPIC -o x.libs/libg.so -Wl,-soname,libg.so g.c
    gcc -shared -fPIC -o x.libs/libmiddle.so -Wl,-soname,libmiddle.so h.c -Lx.libs -lg -Wl,-rpath,"$TREE/x.libs"
    gcc -shared -fPIC -o mod/ext.so h.c -Wl,--no-as-needed -Lx.libs -lmiddle -lg -Wl,-rpath,'$ORIGIN/../x.libs'
    same 'its own directory' "$(python -c 'import ctypes; print(ctypes.CDLL("mod/ext.so").f())')" 11
    gcc -shared -fPIC -o mod/ext.so h.c -Wl,--no-as-needed -Lx.libs -lmiddle -lg -Wl,-rpath,"$TREE/x.libs"
    same 'a whole path' "$(python -c 'import ctypes; print(ctypes.CDLL("mod/ext.so").f())')" 11
    if "$PROGRAMS/dl" mod/ext.so; then fail 'f'; else same 'by dlopen' "$?" 11; fi
    rm x.libs/libg.so; refused 'libg.so: cannot open shared object' "$PROGRAMS/dl" mod/ext.so
    refused 'cannot open shared object' "$PROGRAMS/dl" lib/none.so
}
play "$@"
