#!/bin/sh
# Closing a number twice is an error the second time, and never takes a descriptor of another thread.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; program twice -lpthread <<'C'
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
static int bad;
static void *work(void *x)
{
    for (int i = 0; i < 2000; i++) {
        int fd = open(x, O_RDWR);
        char c;
        if (fd < 0 || pread(fd, &c, 1, 0) != 1 || pwrite(fd, &c, 1, 0) != 1) bad = 1;
        if (close(fd)) bad = 2;
    }
    return 0;
}
int main(void)
{
    pthread_t t[4];
    int fd = open("f", O_RDWR);
    if (close(fd) || close(fd) != -1 || errno != EBADF) return 5;
    for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, work, "f");
    for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
    return bad;
}
C
}
body() { "$PROGRAMS/twice"; is f x; }
play "$@"
