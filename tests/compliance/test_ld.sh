#!/bin/sh
# ld writes partial objects, shared libraries and programs.
. "$(dirname "$0")/common.sh"
tree() { mkdir lib; echo 'int f(void) { return 5; }' >f.c; echo 'int f(void); int main(void) { return f(); }' >m.c; }
body() {
    gcc -fPIC -c f.c m.c
    ld -r -o both.o f.o m.o
    gcc -shared -o lib/libf.so f.o
    gcc -o m m.o -Llib -lf
    readelf -d m | grep -q "NEEDED.*libf.so"
    gcc -o m both.o
    if ./m; then fail 'the program returns 0'; else same result "$?" 5; fi
}
play "$@"
