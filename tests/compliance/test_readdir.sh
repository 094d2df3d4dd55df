#!/bin/sh
# Listings: dot and dot-dot, kinds, what came and went, and a place in between.
. "$(dirname "$0")/common.sh"
tree() { mkdir d d/sub; : >d/f; : >d/.hidden; ln -s f d/l; mkfifo d/p; mkdir many; i=0; while [ $i -lt 300 ]; do : >many/$i; i=$((i + 1)); done; program list <<'C'
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
    DIR *d = opendir("many");
    struct dirent *e;
    char names[400][16];
    int n = 0;
    long at = 0;
    if (!d) return 1;
    for (int i = 0; i < 100; i++) if (!readdir(d)) return 2;
    at = telldir(d);
    while ((e = readdir(d))) strcpy(names[n++], e->d_name);
    seekdir(d, at);
    for (int i = 0; i < n; i++) if (!(e = readdir(d)) || strcmp(e->d_name, names[i])) return 3;
    rewinddir(d);
    for (n = 0; readdir(d); n++) ;
    return n == 302 ? 0 : 4;
}
C
}
body() {
    same all "$(ls -a d | tr '\n' ' ')" '. .. .hidden f l p sub '
    same kinds "$(ls -AF d | tr '\n' ' ')" '.hidden f l@ p| sub/ '
    echo x >d/new
    rm d/f
    same changed "$(ls -A d | tr '\n' ' ')" '.hidden l new p sub '
    same many "$(ls many | wc -l)" 300
    "$PROGRAMS/list"
    rm -r many
    gone many
}
play "$@"
