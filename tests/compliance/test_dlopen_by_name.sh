#!/bin/sh
# dlopen of a name without a slash finds a library of the tree where the caller says that its libraries are, by RUNPATH or
# RPATH, and where LD_LIBRARY_PATH leads, also one that was made after the program began; one that is loaded is that one.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir lib app other
    echo 'int f(void) { return 9; }' >f.c; echo 'int f(void) { return 70; }' >other.c
    cat >m.c <<'C'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(int n, char **a) {
    if (n > 2) system(a[2]);
    void *h = dlopen(a[1], RTLD_NOW);
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return 1; }
    if (dlopen(a[1], RTLD_NOW) != h) return 2;
    return ((int (*)(void))dlsym(h, "f"))();
}
C
    printf '#include <dlfcn.h>\nvoid *opened(const char *n) { return dlopen(n, RTLD_NOW); }\n' >o.c
    printf '#include <dlfcn.h>\nvoid *opened(const char *);\nint main(void) { void *h = opened("libf.so"); return h ? ((int (*)(void))dlsym(h, "f"))() : 1; }\n' >n.c
}
gives() { wanted=$1; shift; code=0; "$@" || code=$?; same "$*" "$code" "$wanted"; }
body() {
    gcc -shared -fPIC -o lib/libf.so f.c; gcc -shared -fPIC -o other/libf.so other.c
    gcc -o app/origin m.c -Wl,-rpath,'$ORIGIN/../lib'; gcc -o app/absolute m.c -Wl,-rpath,"$TREE/lib"
    gcc -o app/old m.c -Wl,--disable-new-dtags,-rpath,'$ORIGIN/../lib'; gcc -o app/none m.c
    for program in origin absolute old; do gives 9 app/$program libf.so; done
    refused 'libf.so: cannot open shared object' app/none libf.so
    refused 'libnone.so: cannot open shared object' app/origin libnone.so
    LD_LIBRARY_PATH=other gives 70 app/origin libf.so; LD_LIBRARY_PATH=other gives 9 app/old libf.so
    LD_LIBRARY_PATH="$TREE/other" gives 70 app/none libf.so
    LD_LIBRARY_PATH="$TREE/other" gives 9 app/none libg.so 'cp lib/libf.so other/libg.so'
    cp app/absolute "$PROGRAMS/absolute"; gives 9 "$PROGRAMS/absolute" libf.so
    # The library that calls says where to look, not the program.
    gcc -shared -fPIC -o lib/libo.so o.c -Wl,-rpath,'$ORIGIN/../other'
    gcc -o app/through n.c -Llib -lo -Wl,-rpath,'$ORIGIN/../lib'; gives 70 app/through
    rm other/libg.so
}
play "$@"
