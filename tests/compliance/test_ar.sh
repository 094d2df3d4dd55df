#!/bin/sh
# ar makes an archive, replaces and deletes members in place, ranlib indexes it.
. "$(dirname "$0")/common.sh"
tree() { for n in a b c; do echo "int $n(void) { return 1; }" >$n.c; gcc -c $n.c; done; echo 'int a(void), b(void); int main(void) { return a() + b(); }' >main.c; }
body() {
    ar rcs lib.a a.o b.o
    same members "$(ar t lib.a | tr '\n' ' ')" 'a.o b.o '
    ar r lib.a c.o
    ar d lib.a c.o
    ranlib lib.a
    gcc main.c lib.a -o m
    if ./m; then fail 'the program returns 0'; else same result "$?" 2; fi
    ar q lib.a c.o
    same members "$(ar t lib.a | wc -l)" 3
    strip -S lib.a
    objcopy --add-section .x=main.c a.o a2.o
    nm a2.o >symbols
    grep -q ' a$' symbols
}
play "$@"
