#!/bin/sh
# Streams: every mode, freopen, and a stream that nobody closes.
. "$(dirname "$0")/common.sh"
tree() { echo old >f; program streams <<'C'
#include <stdio.h>
#include <string.h>
#include <errno.h>
static int is(const char *path, const char *want) { char got[100] = ""; FILE *f = fopen(path, "r"); if (!f) return 0; fread(got, 1, 99, f); fclose(f); return !strcmp(got, want); }
int main(void)
{
    FILE *f = fopen("f", "r+");
    fputs("OLD", f); fclose(f);
    if (!is("f", "OLD\n")) return 1;
    f = fopen("f", "a"); fputs("more\n", f); fclose(f);
    if (!is("f", "OLD\nmore\n")) return 2;
    f = fopen("n", "wx"); fputs("1", f); fclose(f);
    if (fopen("n", "wx") || errno != EEXIST) return 3;
    if (fopen("missing", "r") || errno != ENOENT) return 4;
    f = fopen("n", "w"); fputs("22", f);
    f = freopen("m", "w", f); fputs("333", f);
    if (!is("n", "22")) return 5;
    f = freopen("n", "r", f);
    char got[10] = ""; fread(got, 1, 9, f);
    if (strcmp(got, "22") || !is("m", "333")) return 6;
    f = freopen("out", "w", stdout); printf("to a file\n"); fflush(stdout);
    f = fopen("left", "w"); fputs("flushed at exit", f);
    return 0;
}
C
}
body() {
    "$PROGRAMS/streams"
    is out 'to a file'
    is left 'flushed at exit'
}
after() { same left "$(outside left)" 'flushed at exit'; }
play "$@"
