#!/bin/sh
# Threads that are cancelled while they wait in a call, or make calls: they end, and the others go on working.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkfifo p; program cancelled -lpthread <<'C'
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
static volatile int begun;
static int fd_of_lock;
static void *on_a_pipe(void *unused) { begun = 1; open("p", O_RDONLY); return "went on"; }
static void *on_a_lock(void *unused)
{
    struct flock lock = { .l_type = F_WRLCK };
    int fd = open("f", O_RDWR);
    begun = 1;
    fcntl(fd, F_OFD_SETLKW, &lock);
    return "went on";
}
static void *writing(void *unused)
{
    for (;;) {
        int fd = open("w", O_WRONLY | O_CREAT | O_TRUNC, 0644);
        write(fd, "abc", 3);
        close(fd);
        rename("w", "v");
        begun = 1;
    }
}
static void *reading(void *unused)
{
    for (;;) {
        FILE *f = fopen("f", "r");
        if (f) { fgetc(f); fclose(f); }
        begun = 1;
    }
}
static void cancel(const char *what, void *(*work)(void *), int moment)
{
    pthread_t t;
    void *result;
    begun = 0;
    pthread_create(&t, NULL, work, NULL);
    while (!begun) usleep(1000);
    usleep(moment);
    pthread_cancel(t);
    pthread_join(t, &result);
    if (result != PTHREAD_CANCELED) { printf("%s was not cancelled\n", what); exit(1); }
    struct stat s;
    int fd = open("after", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, what, strlen(what)) < 1 || close(fd)) exit(2);
    if (stat("after", &s) || s.st_size != strlen(what) || unlink("after")) exit(3);
}
int main(void)
{
    struct flock lock = { .l_type = F_WRLCK };
    int fd = open("f", O_RDWR);
    if (fcntl(fd, F_OFD_SETLK, &lock)) return 4;
    alarm(100);
    cancel("who waits for a lock", on_a_lock, 20000);
    cancel("who waits at a pipe", on_a_pipe, 20000);
    for (int i = 0; i < 20; i++) {
        cancel("who writes", writing, i * 317);
        cancel("who reads", reading, i * 317);
    }
    return 0;
}
C
}
body() {
    "$PROGRAMS/cancelled" || fail "it ended with $?"
}
play "$@"
