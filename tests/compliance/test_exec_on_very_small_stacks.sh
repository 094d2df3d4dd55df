#!/bin/sh
# Children on a stack of 8 KiB that share their parent's memory, or have a copy of it, a handler on such a stack and threads with the
# least stack there is execute programs and scripts of the tree. Nothing of it stays with the parent.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir bin
    program told <<'C'
#include <stdio.h>
#include <string.h>
int main(int count, char **words) { return count == 2 && strchr(*words, 't') && !strcmp(words[1], "word") ? 7 : 1; }
C
    mv "$PROGRAMS/told" bin/told
    printf '#!/bin/sh\n[ "$1" = word ] && exit 7\n' >bin/script
    printf 'exit 7\n' >bin/plain
    chmod 755 bin/script bin/plain
    program little -lpthread -Wl,-z,now <<'C'
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static char *words[] = { "told", "word", NULL };
static char *stack;
static int way, from;
/* Below the stack is nothing. */
static char *small(void)
{
    char *all = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(all, 4096, PROT_NONE);
    return all + 4096;
}
static int start(void)
{
    pid_t child;
    int fd, status;
    switch (way) {
    case 0: execve("bin/told", words, environ); break;
    case 1: execv("bin/script", words); break;
    case 2: execvp("told", words); break;
    case 3: execlp("script", "told", "word", NULL); break;
    case 4: execvp("plain", words); break;
    case 5: fd = open("bin/told", O_RDONLY); fexecve(fd, words, environ); break;
    case 6: execl("/bin/sh", "sh", "-c", "bin/told word", NULL); break;
    case 7: execvp("not-there", words); return errno == ENOENT ? 7 : 3;
    case 8: execv("bin", words); return errno == EACCES ? 7 : 3;
    case 9: case 10:
        if (posix_spawnp(&child, way == 9 ? "told" : "bin/script", NULL, NULL, words, environ)) return 4;
        return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 5;
    }
    return 2;
}
enum { WAYS = 11 };
static int begin(void *unused) { _exit(start()); }
static void handle(int unused) { _exit(start()); }
static void *thread(void *result) { *(int *)result = start(); return NULL; }
static int ended(pid_t child)
{
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static int once(void)
{
    pthread_t t;
    pthread_attr_t a;
    pid_t child;
    int result;
    switch (from) {
    case 0: return ended(clone(begin, stack + 8192, SIGCHLD, NULL));
    case 1: return ended(clone(begin, stack + 8192, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));
    case 2: return ended(clone(begin, stack + 8192, CLONE_VM | SIGCHLD, NULL));
    case 3:
        if (!(child = fork())) {
            stack_t other = { .ss_sp = stack, .ss_size = 8192 };
            struct sigaction action = { .sa_handler = handle, .sa_flags = SA_ONSTACK };
            /* A processor's state can be larger than that. */
            if (sigaltstack(&other, NULL) && errno == ENOMEM) _exit(7);
            sigaction(SIGUSR1, &action, NULL);
            raise(SIGUSR1);
        }
        return ended(child);
    default:
        if (way < 7) return 7;
        pthread_attr_init(&a);
        if (pthread_attr_setstacksize(&a, 16384) || pthread_create(&t, &a, thread, &result)) return -2;
        pthread_join(t, NULL);
        return result;
    }
}
/* How many lines the process's memory has. */
static int places(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int count = 0, c;
    while ((c = getc(maps)) != EOF) count += c == '\n';
    fclose(maps);
    return count;
}
int main(void)
{
    int bad = 0, before = 0;
    stack = small();
    for (from = 0; from < 5; from++)
        for (way = 0; way < WAYS; way++) {
            int said = once();
            if (said != 7) bad = fprintf(stderr, "from %d by %d: %d\n", from, way, said);
        }
    for (int i = 0; i < 40; i++) {
        if (i == 10) before = places();
        for (from = 0, way = 0; from < 3; from++)
            if (once() != 7) bad = fprintf(stderr, "%d times: from %d\n", i, from);
    }
    if (places() > before + 4) bad = fprintf(stderr, "memory is left: %d places, before %d\n", places(), before);
    return bad != 0;
}
C
}
body() {
    PATH=$PWD/bin:/usr/bin:/bin
    said=$("$PROGRAMS/little" 2>&1) || fail "it ended with $?: $(echo "$said" | tr '\n' ' ')"
}
play "$@"
