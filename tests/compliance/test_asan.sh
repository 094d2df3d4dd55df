#!/bin/sh
# A program built with the address sanitizer.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; program asan -fsanitize=address <<'C'
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
int main(void)
{
    struct stat s;
    char *full = realpath("f", NULL), *here = getcwd(NULL, 0);
    if (!full || strncmp(full, here, strlen(here)) || stat(full, &s)) return 1;
    FILE *f = fopen("new", "w");
    fputs("sane", f);
    fclose(f);
    DIR *d = opendir(".");
    int n = 0;
    while (readdir(d)) n++;
    closedir(d);
    free(full);
    free(here);
    return n >= 5 ? 0 : 2;
}
C
}
body() {
    ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 "$PROGRAMS/asan"
    is new sane
}
play "$@"
