#!/bin/sh
# A program finds its library in the tree by RUNPATH, absolute and relative to itself.
. "$(dirname "$0")/common.sh"
tree() { mkdir lib bin; echo 'int f(void) { return 6; }' >f.c; echo 'int f(void); int main(void) { return f(); }' >m.c; }
body() {
    gcc -shared -fPIC -o lib/libf.so f.c
    gcc -o bin/m m.c -Llib -lf -Wl,-rpath,'$ORIGIN/../lib'
    if bin/m; then fail 'the program returns 0'; else same result "$?" 6; fi
    gcc -o bin/m2 m.c -Llib -lf -Wl,-rpath,"$TREE/lib"
    if bin/m2; then fail 'the program returns 0'; else same result "$?" 6; fi
}
play "$@"
