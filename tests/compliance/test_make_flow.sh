#!/bin/sh
# make builds, does nothing the second time, and after a touch builds exactly what depends on it.
. "$(dirname "$0")/common.sh"
tree() {
    printf '#define A 1\n' >a.h; printf '#include "a.h"\nint a(void) { return A; }\n' >a.c; printf 'int b(void) { return 2; }\n' >b.c
    printf 'int a(void), b(void);\nint main(void) { return a() + b(); }\n' >main.c
    printf 'prog: main.o a.o b.o\n\tgcc -o $@ $^\n%%.o: %%.c\n\tgcc -c -o $@ $<\na.o: a.h\n' >Makefile
}
body() {
    make >out
    same commands "$(grep -c gcc out)" 4
    same again "$(make)" "make: 'prog' is up to date."
    tick
    touch a.h
    same touched "$(make | cut -d ' ' -f 1-5 | tr '\n' ';')" 'gcc -c -o a.o a.c;gcc -o prog main.o a.o;'
    same again "$(make)" "make: 'prog' is up to date."
    tick
    touch b.c
    same touched "$(make | grep -c gcc)" 2
    rm b.o
    same removed "$(make | grep -c gcc)" 2
    ./prog && fail 'the program returns 0' || same result "$?" 3
    make -q
}
play "$@"
