#!/bin/sh
# Threads of a program that no library can be in, interrupted all the time: no call is made twice, and none says so that would not.
. "$(dirname "$0")/common.sh"
tree() {
    echo content >a
    program threads -static -pthread <<'C'
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#define HAS(what) if (!(what)) { fprintf(stderr, "line %d: %s: %s\n", __LINE__, #what, strerror(errno)); return "wrong"; }
static volatile int rang;
static void ring(int signal) { (void)signal; rang++; }
static void *works(void *number)
{
    char directory[40], file[60], other[60], room[9];
    struct stat s;
    sprintf(directory, "d%ld", (long)number);
    sprintf(file, "%s/file", directory);
    sprintf(other, "%s/other", directory);
    for (int i = 0; i < 60; i++) {
        HAS(!mkdir(directory, 0700));
        int fd = open(file, O_CREAT | O_EXCL | O_RDWR, 0600);
        HAS(fd >= 0 && write(fd, "x", 1) == 1 && !fstat(fd, &s) && s.st_size == 1 && !close(fd));
        HAS(!rename(file, other) && !stat(other, &s) && s.st_size == 1);
        HAS((fd = open("a", O_RDONLY)) >= 0 && read(fd, room, 8) == 8 && !memcmp(room, "content\n", 8) && !close(fd));
        HAS(!unlink(other) && !rmdir(directory));
    }
    return NULL;
}
int main(void)
{
    struct itimerval often = { { 0, 700 }, { 0, 700 } }, never = { { 0, 0 }, { 0, 0 } };
    struct sigaction action = { .sa_handler = ring, .sa_flags = SA_RESTART };
    pthread_t thread[4];
    int wrong = 0;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (long i = 0; i < 4; i++) pthread_create(&thread[i], NULL, works, (void *)i);
    for (int i = 0; i < 4; i++) {
        void *said;
        pthread_join(thread[i], &said);
        wrong += said != NULL;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("%s\n", rang ? "rang" : "silent");
    return wrong;
}
C
}
body() {
    said=$("$PROGRAMS/threads") || fail "ended with $?"
    same said "$said" rang
    same left "$(ls)" a
}
play "$@"
