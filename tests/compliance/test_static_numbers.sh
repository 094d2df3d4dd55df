#!/bin/sh
# A process that has the number of one that ended is not taken for that one. Only root can choose numbers; for others the
# second part goes without.
. "$(dirname "$0")/common.sh"
tree() {
    echo content >a
    program numbers -static <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static int ended(pid_t child)
{
    int status;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}
static int looks(void)
{
    char room[9] = "";
    struct stat s, t;
    int fd = open("a", O_RDONLY);
    if (stat("a", &s) || fd < 0 || fstat(fd, &t) || s.st_ino != t.st_ino) return 3;
    return read(fd, room, 8) == 8 && !strcmp(room, "content\n") ? 0 : 4;
}
int main(void)
{
    for (int try = 0; try < 50; try++) {
        // One that the library is in.
        pid_t first = fork();
        if (!first) { execl("/bin/cat", "cat", "a", NULL); _exit(2); }
        if (ended(first)) return 1;
        FILE *last = fopen("/proc/sys/kernel/ns_last_pid", "w");
        if (last) { fprintf(last, "%d", first - 1); fclose(last); }
        pid_t second = fork();
        if (!second) _exit(looks());
        int code = ended(second);
        if (code || second == first || geteuid()) return code;
    }
    return 0;
}
C
}
body() {
    said=$("$PROGRAMS/numbers") || fail "ended with $?"
    same said "$(echo "$said" | head -n 1)" content
}
play "$@"
