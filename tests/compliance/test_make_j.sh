#!/bin/sh
# A parallel make of many small files.
. "$(dirname "$0")/common.sh"
tree() {
    i=0
    while [ $i -lt 40 ]; do echo "int f$i(void) { return $i; }" >f$i.c; i=$((i + 1)); done
    echo 'int f39(void); int main(void) { return f39(); }' >main.c
    printf 'prog: $(patsubst %%.c,o/%%.o,$(wildcard *.c))\n\tgcc -o $@ $^\no/%%.o: %%.c\n\t@mkdir -p o\n\tgcc -c -o $@ $<\n' >Makefile
}
body() {
    make -s -j4
    if ./prog; then fail 'the program returns 0'; else same result "$?" 39; fi
    same objects "$(ls o | wc -l)" 41
    same again "$(make)" "make: 'prog' is up to date."
}
play "$@"
