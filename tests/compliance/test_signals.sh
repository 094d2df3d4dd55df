#!/bin/sh
# A handler that opens, stats and renames while the program is inside such calls.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; echo y >g; mkdir d; program sig <<'C'
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/time.h>
static volatile int bad, count;
static void handle(int n)
{
    int kept = errno;
    struct stat s;
    int fd = open("g", O_RDONLY);
    if (fd < 0) bad = 1; else close(fd);
    if (stat("f", &s) && errno != ENOENT) bad = 2;
    fd = open("d/from-handler", O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (fd < 0 || write(fd, "h", 1) != 1) bad = 3;
    close(fd);
    count++;
    errno = kept;
}
int main(void)
{
    struct itimerval every = { { 0, 500 }, { 0, 500 } };
    signal(SIGALRM, handle);
    setitimer(ITIMER_REAL, &every, NULL);
    for (int i = 0; i < 3000 || count < 20; i++) {
        struct stat s;
        int fd = open("d/x", O_CREAT | O_RDWR, 0644);
        if (fd < 0) return 10;
        if (write(fd, "z", 1) != 1) return 11;
        close(fd);
        if (stat("d/x", &s)) return 12;
        if (rename("d/x", "d/y")) return 13;
        if (unlink("d/y")) return 14;
        if (i > 200000) return 15;
    }
    return bad;
}
C
}
body() {
    "$PROGRAMS/sig"
    same handler "$(cat d/from-handler)" h
}
play "$@"
