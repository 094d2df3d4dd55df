#!/bin/sh
# O_DIRECTORY, O_NOFOLLOW, O_PATH, O_APPEND, O_TRUNC, O_EXCL.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkdir d; ln -s f l; program flags <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#define NEED(x) do { if (!(x)) { fprintf(stderr, "line %d: %s\n", __LINE__, strerror(errno)); return 1; } } while (0)
int main(void)
{
    struct stat s;
    char name[64], c;
    int fd = open("f", O_PATH);
    NEED(fd >= 0 && fstat(fd, &s) == 0 && s.st_size == 2);
    NEED(read(fd, &c, 1) == -1 && errno == EBADF);
    NEED(fchmod(fd, 0600) == -1 && errno == EBADF);
    int d = open("d", O_PATH | O_DIRECTORY);
    NEED(openat(d, "in", O_CREAT | O_WRONLY, 0644) >= 0);
    NEED(fstatat(d, "in", &s, 0) == 0);
    int l = open("l", O_PATH | O_NOFOLLOW);
    NEED(l >= 0 && fstat(l, &s) == 0 && S_ISLNK(s.st_mode));
    NEED(readlinkat(l, "", name, 10) == 1 && name[0] == 'f');
    NEED(open("l", O_RDONLY | O_NOFOLLOW) == -1 && errno == ELOOP);
    NEED(open("f", O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    NEED(open("d", O_RDWR) == -1 && errno == EISDIR);
    int a = open("f", O_WRONLY | O_APPEND);
    NEED(a >= 0 && lseek(a, 0, SEEK_SET) == 0 && write(a, "y", 1) == 1 && stat("f", &s) == 0 && s.st_size == 3);
    NEED(fcntl(a, F_GETFL) & O_APPEND && !(fcntl(a, F_GETFL) & O_NONBLOCK));
    NEED(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644) == -1 && errno == EEXIST);
    NEED(open("l", O_CREAT | O_EXCL | O_WRONLY, 0644) == -1 && errno == EEXIST);
    NEED(open("f", O_WRONLY | O_TRUNC) >= 0 && stat("f", &s) == 0 && s.st_size == 0);
    NEED(open("f", O_RDONLY | O_CREAT) >= 0);
    return 0;
}
C
}
body() { "$PROGRAMS/flags"; }
play "$@"
