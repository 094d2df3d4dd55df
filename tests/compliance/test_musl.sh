#!/bin/sh
# Programs of another C library, linked to it statically and dynamically, are built in the tree, run there, and see and write it.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir made
    cat >m.c <<'C'
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
int main(void)
{
    struct stat s;
    FILE *f = fopen("made/out", "w");
    if (!f || fputs("hello\n", f) < 0 || fclose(f)) return 2;
    if (stat("made/out", &s) || s.st_size != 6) return 3;
    DIR *list = opendir("made");
    int count = 0;
    while (list && readdir(list)) count++;
    if (count != 3) return 4;
    return rename("made/out", "made/done") ? 5 : 0;
}
C
}
body() {
    for how in -static -O1; do
        musl-gcc $how -o prog m.c || fail "it does not compile with $how"
        ./prog || fail "the program of $how ended with $?"
        [ "$(cat made/done)" = hello ] || fail "what the program of $how wrote"
        rm prog made/done
    done
}
play "$@"
