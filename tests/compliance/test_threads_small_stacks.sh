#!/bin/sh
# Threads with stacks of 64 KiB use every kind of call; one thread inside the library does not make another miss it.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; lines 100 >d/f; program threads -lpthread <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <fcntl.h>
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>
static int bad;
static void *work(void *given)
{
    long me = (long)given;
    char name[64], other[64];
    static __thread char full[PATH_MAX];
    for (int i = 0; i < 60; i++) {
        struct stat s;
        snprintf(name, sizeof name, "d/t%ld-%d", me, i);
        snprintf(other, sizeof other, "d/u%ld-%d", me, i);
        int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0644);
        if (fd < 0 || write(fd, name, 5) != 5 || close(fd)) bad = 1;
        if (stat(name, &s) || s.st_size != 5) bad = 2;
        if (rename(name, other)) bad = 3;
        if (!access(name, F_OK)) bad = 4;
        if (!realpath(other, full)) bad = 5;
        FILE *f = fopen("d/f", "r");
        if (!f) bad = 6; else fclose(f);
        DIR *list = opendir("d");
        if (!list || !readdir(list)) bad = 7; else closedir(list);
        if (unlink(other)) bad = 8;
    }
    return NULL;
}
int main(void)
{
    pthread_t t[8];
    pthread_attr_t a;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 65536);
    for (long i = 0; i < 8; i++) if (pthread_create(&t[i], &a, work, (void *)i)) return 99;
    for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
    return bad;
}
C
}
body() {
    "$PROGRAMS/threads"
    same listing "$(ls -A d)" f
}
play "$@"
