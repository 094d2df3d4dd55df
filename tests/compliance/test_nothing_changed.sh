#!/bin/sh
# The library prints nothing and changes no limit, signal, mask or thread of the program.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; program look <<'C'
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/stat.h>
int main(void)
{
    for (int s = 1; s < 65; s++) { struct sigaction a; if (sigaction(s, NULL, &a) == 0 && a.sa_handler != SIG_DFL) printf("signal %d\n", s); }
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    for (int s = 1; s < 65; s++) if (sigismember(&set, s)) printf("masked %d\n", s);
    for (int r = 0; r < 16; r++) { struct rlimit l; getrlimit(r, &l); printf("limit %d %lu %lu\n", r, l.rlim_cur, l.rlim_max); }
    printf("umask %o\n", umask(0));
    fclose(fopen("f", "a"));
    struct stat s;
    stat("f", &s);
    int tasks = 0;
    DIR *d = opendir("/proc/self/task");
    while (readdir(d)) tasks++;
    printf("tasks %d\n", tasks);
}
C
    (cd "$TREE" && "$PROGRAMS/look" >"$ROOM/before" 2>&1); }
body() {
    "$PROGRAMS/look" >"$ROOM/now" 2>&1
    diff "$ROOM/before" "$ROOM/now"
    same silent "$(cat f missing 2>&1 >/dev/null)" 'cat: missing: No such file or directory'
}
play "$@"
