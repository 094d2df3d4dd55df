#!/bin/sh
# Paths at addresses where nothing of a program can be are EFAULT; bytes without an end are a name that is too long, and
# nobody reads on behind what is there.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkdir d; ln -s f l; program bad <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
static struct stat s;
static struct statfs fs;
static char room[PATH_MAX];
static int call(int which, char *path)
{
    switch (which) {
    case 0: return open(path, O_RDONLY);
    case 1: return stat(path, &s);
    case 2: return lstat(path, &s);
    case 3: return access(path, R_OK);
    case 4: return readlink(path, room, sizeof room);
    case 5: return mkdir(path, 0755);
    case 6: return rmdir(path);
    case 7: return unlink(path);
    case 8: return rename(path, "q");
    case 9: return rename("f", path);
    case 10: return link("f", path);
    case 11: return symlink("f", path);
    case 12: return chmod(path, 0644);
    case 13: return truncate(path, 0);
    case 14: return chdir(path);
    case 15: return utimensat(AT_FDCWD, path, NULL, 0);
    case 16: return statfs(path, &fs);
    case 17: return open(path, O_RDWR | O_CREAT, 0644);
    case 18: return mkfifo(path, 0644);
    case 19: return getxattr(path, "user.a", room, 10);
    case 20: return execv(path, (char *[]){ "x", NULL });
    case 21: return openat(AT_FDCWD, path, O_RDONLY);
    case 22: return symlink(path, "q");
    case 23: return link(path, "q");
    }
    return 0;
}
int main(void)
{
    int bad = 0;
    char *bytes = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(bytes + 8192, 4096, PROT_NONE);
    memset(bytes, 'a', 8192);
    bytes[4000] = '/';
    char *paths[] = { NULL, (char *)1, (char *)4095, (char *)-1, (char *)-4096, (char *)0xffff800000000000, bytes, bytes + 4096 };
    for (int which = 0; which < 24; which++)
        for (int i = 0; i < 8; i++) {
            if (which == 15 && i == 0) continue;
            errno = 0;
            int result = call(which, paths[i]);
            int wanted = i < 6 ? EFAULT : ENAMETOOLONG;
            if (result != -1 || errno != wanted) {
                printf("call %d, path %d: %d, %s\n", which, i, result, strerror(errno));
                bad = 1;
            }
        }
    // Paths of any length that end with the last byte that is there, and such as begin with the first.
    for (int length = 3; length < 80; length++) {
        for (int last = 0; last < 2; last++) {
            char *path = last ? bytes + 8192 - length - 1 : bytes;
            memset(path, '/', length);
            path[0] = '.';
            path[length - 1] = 'f';
            path[length] = 0;
            if (call(1, path) || call(3, path) || call(0, path) < 0) {
                printf("path of %d bytes, %d: %s\n", length, last, strerror(errno));
                bad = 1;
            }
        }
    }
    return bad;
}
C
}
body() {
    "$PROGRAMS/bad" || fail "it ended with $?"
    is f x
    same listing "$(ls)" "$(printf 'd\nf\nl')"
}
play "$@"
