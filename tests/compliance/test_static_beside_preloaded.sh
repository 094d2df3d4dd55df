#!/bin/sh
# A program that no library can be in and one below it that the library is in change the tree at the same time: neither waits
# for ever for the other, which has the workspace's lock while it asks the kernel for something.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir static preloaded
    for kind in static preloaded; do
        if [ $kind = static ]; then option=-static; else option=; fi
        program $kind $option <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **word)
{
    char name[200];
    for (int i = 0; i < 1500; i++) {
        snprintf(name, sizeof name, "%s/%d", word[1], i % 50);
        int fd = open(name, O_CREAT | O_RDWR, 0644);
        if (fd < 0 || write(fd, name, 3) != 3 || close(fd)) return 1;
        if (i % 3 && unlink(name)) return 2;
    }
    return 0;
}
C
    done
}
body() {
    cat >script <<'SH'
"$PROGRAMS/preloaded" preloaded & other=$!
"$PROGRAMS/static" static || exit 3
wait $other
SH
    busybox sh script
    same left "$(ls static | wc -l) $(ls preloaded | wc -l)" '16 16'
}
play "$@"
