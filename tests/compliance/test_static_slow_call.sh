#!/bin/sh
# While a call of a static program takes long to be answered, others below the same program go on: execute, look, make and remove.
# Who answers is held up by the caller's memory, which comes as late as is wanted; where a process may not have such, as few may
# that are not root's, both do the same at the same time and nothing waits.
. "$(dirname "$0")/common.sh"
tree() {
    echo content >a
    program waits -static -pthread <<'C'
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#define HAS(what) if (!(what)) { fprintf(stderr, "line %d: %s: %s\n", __LINE__, #what, strerror(errno)); return 9; }
static char *late;
static struct stat seen;
static void *looks(void *nothing) { return (void *)(long)(stat(late, &seen) ? errno : 0); }
static int other(void)
{
    struct stat s;
    char name[40];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "made%d", i);
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
        HAS(fd >= 0 && write(fd, "x", 1) == 1 && !close(fd) && !stat(name, &s) && s.st_size == 1);
        HAS(!stat("/", &s) && !unlink(name) && stat(name, &s));
    }
    return 0;
}
int main(int count, char **word)
{
    if (count > 1) return other();
    struct stat wanted;
    int go[2], status;
    char byte;
    alarm(100);
    HAS(!stat("a", &wanted) && !pipe(go));
    pid_t child = fork();
    if (!child) {
        close(go[1]);
        read(go[0], &byte, 1);
        execl(word[0], word[0], "other", NULL);
        _exit(8);
    }
    late = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = { .api = UFFD_API };
    struct uffdio_register range = { .range = { (unsigned long)late, 4096 }, .mode = UFFDIO_REGISTER_MODE_MISSING };
    int slow = faults >= 0 && !ioctl(faults, UFFDIO_API, &api) && !ioctl(faults, UFFDIO_REGISTER, &range);
    if (!slow) strcpy(late, "a");
    pthread_t thread;
    HAS(!pthread_create(&thread, NULL, looks, NULL));
    if (slow) {
        // Who answers is in it.
        struct pollfd comes = { faults, POLLIN, 0 };
        struct uffd_msg said;
        HAS(poll(&comes, 1, -1) == 1 && read(faults, &said, sizeof said) == sizeof said);
    }
    HAS(write(go[1], "g", 1) == 1 && waitpid(child, &status, 0) == child && !status);
    if (slow) {
        static char page[4096] __attribute__((aligned(4096))) = "a";
        struct uffdio_copy copy = { .dst = (unsigned long)late, .src = (unsigned long)page, .len = 4096 };
        HAS(!ioctl(faults, UFFDIO_COPY, &copy));
    }
    void *failed;
    HAS(!pthread_join(thread, &failed) && !failed && seen.st_ino == wanted.st_ino);
    // And nothing is left behind that would hold up the next.
    HAS(!other());
    printf(slow ? "slow\n" : "not slow\n");
    return 0;
}
C
}
body() {
    said=$("$PROGRAMS/waits") || fail "ended with $?"
    case $said in slow | 'not slow') ;; *) fail "said '$said'" ;; esac
    same left "$(ls)" a
}
play "$@"
