#!/bin/sh
# glob, by libc, by the shell and by make.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p d/e; : >d/a.c; : >d/b.c; : >d/.h; : >d/e/x.c; printf 'all:; @echo $(sort $(wildcard d/*.c))\n' >Makefile; program gl <<'C'
#include <glob.h>
#include <stdio.h>
int main(int n, char **a) { glob_t g; int r = glob(a[1], GLOB_MARK, 0, &g); if (r) return r; for (size_t i = 0; i < g.gl_pathc; i++) printf("%s ", g.gl_pathv[i]); }
C
}
body() {
    same shell "$(echo d/*.c)" 'd/a.c d/b.c'
    same make "$(make -s)" 'd/a.c d/b.c'
    same libc "$("$PROGRAMS/gl" 'd/*')" 'd/a.c d/b.c d/e/ '
    same deep "$("$PROGRAMS/gl" "$TREE/*/*/x.?")" "$TREE/d/e/x.c "
    same python "$(python -c 'import glob; print(*sorted(glob.glob("d/**/*.c", recursive=True)))')" 'd/a.c d/b.c d/e/x.c'
    if "$PROGRAMS/gl" 'none*'; then fail 'a match of nothing'; fi
}
play "$@"
