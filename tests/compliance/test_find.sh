#!/bin/sh
# find, by name, kind, size, time and depth; -delete and -exec.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p a/b/c; echo x >a/f.c; echo yy >a/b/g.c; : >a/b/c/empty; ln -s f.c a/l; touch -d @1000000000 a/f.c; }
body() {
    same names "$(find . -name '*.c' | sort | tr '\n' ' ')" './a/b/g.c ./a/f.c '
    same kinds "$(find a -type d | wc -l)$(find a -type l)$(find a -type f -empty)" '3a/la/b/c/empty'
    same old "$(find a -type f ! -newermt 2010-01-01)" a/f.c
    touch new
    same newer "$(find . -newer a/b/g.c -name new)" ./new
    find a -name '*.c' -exec cp {} . ';'
    is g.c yy
    same printed "$(find a -maxdepth 1 -name f.c -printf '%s %m %p')" '2 644 a/f.c'
    find a -delete
    gone a
    same same "$(find . -samefile g.c)" ./g.c
}
play "$@"
