#!/bin/sh
# A program with a getenv and a malloc of its own that must not be called from inside.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkdir d; program own -rdynamic <<'C'
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
static int closed, used;
static char heap[1 << 22];
static size_t at;
char *getenv(const char *name) { if (closed) used = 1; return NULL; }
char *secure_getenv(const char *name) { return getenv(name); }
void *malloc(size_t n) { if (closed) used = 1; void *p = heap + at; at += (n + 31) & ~15ul; return p; }
void free(void *p) { }
void *calloc(size_t a, size_t b) { return malloc(a * b); }
void *realloc(void *p, size_t n) { void *q = malloc(n); if (p) memcpy(q, p, n); return q; }
int main(void)
{
    struct stat s;
    closed = 1;
    int fd = open("f", O_RDONLY);
    if (fd < 0 || stat("f", &s) || close(fd)) return 1;
    fd = open("d/new", O_CREAT | O_WRONLY, 0644);
    if (fd < 0 || write(fd, "n", 1) != 1 || close(fd)) return 2;
    if (rename("d/new", "d/newer") || mkdir("d/e", 0755) || unlink("f") || chdir("d")) return 3;
    closed = 0;
    return used ? 4 : 0;
}
C
}
body() {
    "$PROGRAMS/own"
    is d/newer n
    gone f
}
play "$@"
