#!/bin/sh
# Threads with the least stack there is, and a signal handler on a stack of 8 KiB, use the tree as any other (executing: test_exec_on_very_small_stacks).
. "$(dirname "$0")/common.sh"
tree() { mkdir d; echo x >f; ln -s ../f d/l; program little -lpthread -Wl,-z,now <<'C'
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
static int bad;
static struct stat s;
static char room[4200];
static void look(void)
{
    /* What was asked a moment ago is asked again. */
    usleep(40000);
    int fd = open("f", O_RDONLY);
    if (fd < 0 || fstat(fd, &s) || read(fd, room, 1) != 1 || close(fd)) bad = 1;
    fd = open("/etc/passwd", O_RDONLY);
    if (fd < 0 || close(fd)) bad = 2;
    if (stat("d/l", &s) || lstat("d/l", &s) || access("d/../d/l", R_OK) || stat("/usr/../etc", &s)) bad = 3;
    if (readlink("d/l", room, sizeof room) != 4 || !getcwd(room, sizeof room)) bad = 4;
    if (open("missing", O_RDWR) >= 0 || errno != ENOENT) bad = 5;
}
static void *thread(void *unused)
{
    look();
    int fd = open("d/new", O_CREAT | O_EXCL | O_RDWR, 0644);
    if (fd < 0 || write(fd, "hello", 5) != 5 || close(fd)) bad = 11;
    if ((fd = open("d/new", O_RDWR | O_APPEND)) < 0 || write(fd, "!", 1) != 1 || close(fd)) bad = 12;
    if (rename("d/new", "d/old") || chmod("d/old", 0600) || utimensat(AT_FDCWD, "d/old", NULL, 0)) bad = 13;
    if (truncate("d/old", 2) || link("d/old", "d/third") || symlink("old", "d/s") || mkdir("d/d", 0755)) bad = 14;
    if (!realpath("d/s", room) || chdir("d/d") || chdir("../..")) bad = 15;
    DIR *list = opendir("d");
    int count = 0;
    while (list && readdir(list)) count++;
    if (count != 7) bad = 16;
    if (list) closedir(list);
    if (rmdir("d/d") || unlink("d/s") || unlink("d/third") || unlink("d/old")) bad = 17;
    return NULL;
}
static void handle(int unused) { look(); }
int main(void)
{
    pthread_t t;
    pthread_attr_t a;
    pthread_attr_init(&a);
    if (pthread_attr_setstacksize(&a, 16384)) return 99;
    /* What is done once in a process is done before. */
    thread(NULL);
    for (int i = 0; i < 3; i++)
        if (pthread_create(&t, &a, thread, NULL) || pthread_join(t, NULL)) return 98;
    /* Below it is nothing. */
    char *stack = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(stack, 4096, PROT_NONE);
    stack_t other = { .ss_sp = stack + 4096, .ss_size = 8192 };
    struct sigaction action = { .sa_handler = handle, .sa_flags = SA_ONSTACK };
    if (sigaltstack(&other, NULL) && errno == ENOMEM) return bad;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    return bad;
}
C
}
body() {
    "$PROGRAMS/little" || fail "it ended with $?"
}
play "$@"
