#!/bin/sh
# vfork: what the child does before exec is not the parent's.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; echo x >f; program v <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
int main(void)
{
    char before[4096], now[4096];
    int status, fd = open("f", O_RDONLY);
    getcwd(before, sizeof before);
    for (int i = 0; i < 20; i++) {
        pid_t child = vfork();
        if (child == 0) {
            int out = open("d/out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
            dup2(out, 1);
            close(out);
            chdir("d");
            execl("/bin/pwd", "pwd", "-P", (char *)NULL);
            _exit(1);
        }
        if (waitpid(child, &status, 0) != child || status) return 1;
        getcwd(now, sizeof now);
        if (strcmp(before, now)) return 2;
    }
    char c;
    return read(fd, &c, 1) == 1 && c == 'x' ? 0 : 3;
}
C
}
body() {
    "$PROGRAMS/v"
    is d/out "$TREE/d"
    same dash "$(dash -c 'cd d; /bin/pwd')" "$TREE/d"
}
after() { same out "$(outside d/out)" "$TREE/d"; }
play "$@"
