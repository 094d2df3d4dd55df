#!/bin/sh
# posix_spawn with file actions: open for reading and for writing, a working directory, descriptors moved.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; echo in >in; program sp <<'C'
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
extern char **environ;
int main(void)
{
    posix_spawn_file_actions_t a;
    pid_t pid;
    int status;
    char *cat[] = { "cat", NULL }, *pwd[] = { "pwd", "-P", NULL }, *none[] = { NULL };
    posix_spawn_file_actions_init(&a);
    posix_spawn_file_actions_addopen(&a, 0, "in", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&a, 1, "d/out", O_WRONLY | O_CREAT | O_TRUNC, 0640);
    if (posix_spawn(&pid, "/bin/cat", &a, NULL, cat, environ)) return 1;
    waitpid(pid, &status, 0);
    if (status) return 2;
    posix_spawn_file_actions_destroy(&a);
    posix_spawn_file_actions_init(&a);
    posix_spawn_file_actions_addchdir_np(&a, "d");
    posix_spawn_file_actions_addopen(&a, 7, "where", O_WRONLY | O_CREAT, 0644);
    posix_spawn_file_actions_adddup2(&a, 7, 1);
    if (posix_spawnp(&pid, "pwd", &a, NULL, pwd, none)) return 3;
    waitpid(pid, &status, 0);
    if (status) return 4;
    if (posix_spawn(&pid, "missing", NULL, NULL, cat, environ) == 0) { waitpid(pid, &status, 0); if (WEXITSTATUS(status) != 127) return 5; }
    return 0;
}
C
}
body() {
    "$PROGRAMS/sp"
    is d/out in
    is d/where "$TREE/d"
    same mode "$(mode d/out)" 640
}
play "$@"
