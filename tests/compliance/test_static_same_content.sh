#!/bin/sh
# What a static program has open is told from other files with the same content, whatever becomes of them meanwhile.
. "$(dirname "$0")/common.sh"
tree() {
    for i in 1 2 3 4 5 6; do echo same >$i; done
    program tells -static <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define HAS(what) if (!(what)) { fprintf(stderr, "line %d: %s: %s\n", __LINE__, #what, strerror(errno)); return 1; }
static int file[7];
static ino_t inode[7];
static int is(int number, nlink_t links)
{
    struct stat s;
    return !fstat(file[number], &s) && s.st_ino == inode[number] && s.st_nlink == links;
}
int main(void)
{
    char name[2] = "0";
    struct stat s;
    for (int i = 1; i < 7; i++) {
        name[0] = '0' + i;
        HAS((file[i] = open(name, O_RDONLY)) >= 0 && !stat(name, &s));
        inode[i] = s.st_ino;
    }
    for (int i = 1; i < 7; i++) HAS(is(i, 1));
    HAS(!unlink("2") && is(2, 0) && is(1, 1) && is(3, 1));
    HAS(!rename("3", "4") && is(3, 1) && is(4, 0));
    // Another content, and the old one again.
    int other = open("5", O_WRONLY | O_TRUNC);
    HAS(other >= 0 && write(other, "other\n", 6) == 6 && is(5, 1) && !close(other) && is(5, 1) && is(6, 1));
    HAS((other = open("5", O_WRONLY | O_TRUNC)) >= 0 && write(other, "same\n", 5) == 5 && !close(other) && is(5, 1));
    // A further one, which is like the others from its beginning.
    HAS((other = open("7", O_CREAT | O_WRONLY, 0666)) >= 0 && write(other, "same\n", 5) == 5 && !close(other));
    HAS(!fchmod(file[6], 0600) && !stat("6", &s) && (s.st_mode & 0777) == 0600 && !stat("1", &s) && (s.st_mode & 0777) != 0600);
    for (int i = 1; i < 7; i++) HAS(is(i, i != 2 && i != 4));
    return 0;
}
C
}
body() { "$PROGRAMS/tells" || fail "ended with $?"; }
play "$@"
