#!/bin/sh
# Threads and children in one memory that do not share the working directory, the umask, the descriptors or the user: what
# one of them changes is not another's.
. "$(dirname "$0")/common.sh"
tree() { mkdir a b; echo in-a >a/f; echo in-b >b/f; echo root >f; echo same >one; echo same >two; program apart -lpthread <<'C'
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
static pthread_barrier_t both;
static void see(const char *who, const char *wanted, const char *below)
{
    char text[64] = "", path[4096] = "";
    struct stat s;
    int fd = open("f", O_RDONLY);
    if (fd < 0 || read(fd, text, 63) < 1) strcpy(text, "nothing");
    close(fd);
    text[strcspn(text, "\n")] = 0;
    if (stat("f", &s) || s.st_size != strlen(wanted) + 1) { printf("%s: another file\n", who); exit(1); }
    getcwd(path, sizeof path);
    char *end = strrchr(path, '/');
    if (strcmp(text, wanted) || strcmp(end, below)) {
        printf("%s reads %s in %s instead of %s\n", who, text, path, wanted);
        exit(1);
    }
}
static const char *top;
static void wait_for_the_other(void) { pthread_barrier_wait(&both); }
static void *thread(void *how)
{
    if (how ? syscall(SYS_unshare, CLONE_FS) : unshare(CLONE_FS)) exit(2);
    if (chdir("b")) exit(3);
    umask(077);
    see("the thread", "in-b", "/b");
    wait_for_the_other();
    wait_for_the_other();
    see("the thread again", "in-b", "/b");
    close(open("made", O_CREAT | O_WRONLY, 0666));
    struct stat s;
    if (stat("made", &s) || (s.st_mode & 0777) != 0600) exit(4);
    wait_for_the_other();
    wait_for_the_other();
    return NULL;
}
static void beside_a_thread(void *how)
{
    pthread_t t;
    struct stat s;
    see("the first", "root", top);
    pthread_create(&t, NULL, thread, how);
    wait_for_the_other();
    see("the first beside a thread", "root", top);
    if (chdir("a")) exit(5);
    see("the first, moved", "in-a", "/a");
    wait_for_the_other();
    wait_for_the_other();
    close(open("made", O_CREAT | O_WRONLY, 0666));
    if (stat("made", &s) || (s.st_mode & 0777) != 0644) exit(6);
    if (chdir("..")) exit(7);
    unlink("a/made");
    unlink("b/made");
    wait_for_the_other();
    pthread_join(t, NULL);
}
static int child(void *unused)
{
    if (chdir("b")) return 1;
    umask(077);
    see("the child", "in-b", "/b");
    int fd = open("../two", O_RDONLY);
    return fd < 0;
}
static void beside_a_child(int flags)
{
    char *stack = malloc(1 << 20);
    struct stat open_file, named, made;
    int status, fd = dup(0);
    close(fd);
    fd = open("one", O_RDONLY);
    int pid = clone(child, stack + (1 << 20), flags | SIGCHLD, NULL);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status) exit(8);
    see("the parent", "root", top);
    if (fstat(fd, &open_file) || stat("one", &named) || open_file.st_ino != named.st_ino) {
        printf("a descriptor became the child's\n");
        exit(9);
    }
    close(fd);
    close(open("made", O_CREAT | O_WRONLY, 0666));
    if (stat("made", &made) || (made.st_mode & 0777) != 0644) exit(10);
    unlink("made");
}
int main(int count, char **arguments)
{
    char *path = getcwd(NULL, 0);
    top = strrchr(path, '/');
    umask(022);
    switch (atoi(arguments[1])) {
    case 1: pthread_barrier_init(&both, NULL, 2); beside_a_thread(NULL); break;
    case 2: pthread_barrier_init(&both, NULL, 2); beside_a_thread(arguments); break;
    case 3: beside_a_child(CLONE_VM); break;
    case 4: beside_a_child(CLONE_VM | CLONE_VFORK); break;
    case 5: {
        close(open("mine", O_CREAT | O_WRONLY, 0600));
        int status, pid = vfork();
        if (pid == 0) {
            if (getuid() == 0 && syscall(SYS_setresuid, 12345, 12345, 12345)) _exit(1);
            _exit(getuid() != 0 ? 0 : access("mine", R_OK) == 0 || errno != EACCES);
        }
        waitpid(pid, &status, 0);
        if (access("mine", R_OK) || open("mine", O_RDWR) < 0) { perror("mine"); return 11; }
    }
    }
    return 0;
}
C
}
body() {
    for way in 1 2 3 4 5; do
        "$PROGRAMS/apart" $way || fail "way $way: $?"
    done
}
play "$@"
