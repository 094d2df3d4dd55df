#!/bin/sh
# A name that is given to a new file again and again, as editors and compilers do, is never found without one: whatever is
# done by that name meanwhile works, whether the files are still being written or not.
. "$(dirname "$0")/common.sh"
tree() { echo first >f; ln -s f l; program replaced -lpthread <<'C'
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <limits.h>
#include <utime.h>
#include <sys/stat.h>
#include <sys/statfs.h>
static volatile int stop;
static int way;
static void *maker(void *unused)
{
    while (!stop) {
        int fd = open("new", O_CREAT | O_WRONLY | O_TRUNC, 0755);
        if (fd < 0 || write(fd, "content\n", 8) != 8) exit(20);
        if (!(way & 1)) close(fd);
        if (rename("new", "f")) exit(21);
        if (way & 1) close(fd);
        if (way & 2) {
            fd = open("f", O_WRONLY | O_APPEND);
            if (fd < 0 || write(fd, "more\n", 5) != 5 || close(fd)) exit(22);
        }
    }
    return NULL;
}
static int closed(int fd) { return fd < 0 ? -1 : close(fd); }
static int done(int what)
{
    static char room[PATH_MAX];
    struct stat s;
    struct statfs fs;
    FILE *f;
    int fd, failed;
    switch (what) {
    case 0: return closed(open("f", O_RDONLY));
    case 1: return closed(open("f", O_WRONLY | O_APPEND));
    case 2: return closed(open("f", O_RDWR | O_TRUNC));
    case 3: return closed(open("f", O_CREAT | O_WRONLY, 0644));
    case 4: return closed(open("l", O_RDWR));
    case 5: return stat("f", &s);
    case 6: return lstat("f", &s);
    case 7: return access("l", R_OK);
    case 8: return truncate("f", 5);
    case 9: return chmod("f", 0755);
    case 10: return utime("f", NULL);
    case 11: return realpath("l", room) ? 0 : -1;
    case 12: return statfs("f", &fs);
    case 13:
        if (!(f = fopen("f", "r"))) return -1;
        failed = fread(room, 1, 20, f) == 0 && ferror(f);
        fclose(f);
        return -failed;
    case 14:
        if ((fd = open("f", O_RDWR)) < 0) return -1;
        failed = fchmod(fd, 0755) || futimens(fd, NULL) || ftruncate(fd, 3) || fstat(fd, &s);
        if (failed) perror("a descriptor");
        close(fd);
        return -failed;
    case 15: {
        struct flock lock = { .l_type = F_RDLCK };
        if ((fd = open("f", O_RDONLY)) < 0) return -1;
        failed = fcntl(fd, F_SETLK, &lock);
        close(fd);
        return failed;
    }
    }
    return 1;
}
int main(void)
{
    int bad = 0;
    for (way = 0; way < 4; way++) {
        pthread_t t;
        stop = 0;
        pthread_create(&t, NULL, maker, NULL);
        for (int what = 0, status = 0; status < 1; what++)
            for (int i = 0; i < 600; i++) {
                status = done(what);
                if (status > 0) break;
                if (status < 0) { printf("way %d, call %d: %s\n", way, what, strerror(errno)); bad++; }
            }
        stop = 1;
        pthread_join(t, NULL);
    }
    return bad > 0;
}
C
}
body() {
    "$PROGRAMS/replaced"
}
play "$@"
