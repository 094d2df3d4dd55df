#!/bin/sh
# The old and the checked spellings: __xstat, open64, __open_2, creat64, __realpath_chk, statx, syscall.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkdir d; program spell <<'C'
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#define NEED(x) do { if (!(x)) { fprintf(stderr, "line %d: %s\n", __LINE__, strerror(errno)); return 1; } } while (0)
int __xstat(int, const char *, struct stat *), __lxstat(int, const char *, struct stat *), __fxstat(int, int, struct stat *), __fxstatat(int, int, const char *, struct stat *, int);
int __xstat64(int, const char *, struct stat64 *), __open_2(const char *, int), __open64_2(const char *, int), __openat_2(int, const char *, int);
char *__realpath_chk(const char *, char *, size_t), *__getcwd_chk(char *, size_t, size_t);
int main(void)
{
    struct stat s;
    struct stat64 s64;
    struct statx sx;
    char room[PATH_MAX];
    NEED(__xstat(1, "f", &s) == 0 && s.st_size == 2);
    NEED(__lxstat(1, "f", &s) == 0 && __fxstatat(1, AT_FDCWD, "f", &s, 0) == 0 && __xstat64(1, "f", &s64) == 0);
    int fd = __open_2("f", O_RDONLY);
    for (int version = 2; version < 5; version++) {
        errno = 0;
        NEED(__xstat(version, "f", &s) == -1 && errno == EINVAL);
        errno = 0;
        NEED(__lxstat(version, "f", &s) == -1 && __fxstat(version, fd, &s) == -1 && errno == EINVAL);
        errno = 0;
        NEED(__fxstatat(version, AT_FDCWD, "f", &s, 0) == -1 && errno == EINVAL);
    }
    NEED(fd >= 0 && __fxstat(1, fd, &s) == 0 && s.st_size == 2);
    NEED(__open64_2("f", O_RDONLY) >= 0 && __openat_2(AT_FDCWD, "f", O_RDONLY) >= 0 && open64("f", O_RDWR) >= 0);
    NEED(creat64("d/c", 0644) >= 0 && access("d/c", F_OK) == 0);
    NEED(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx) == 0 && sx.stx_size == 2);
    NEED(__realpath_chk("d/../f", room, sizeof room) && strstr(room, "/f"));
    NEED(__getcwd_chk(room, sizeof room, sizeof room));
    NEED(syscall(SYS_open, "f", O_RDONLY) >= 0 && syscall(SYS_openat, AT_FDCWD, "d/s", O_CREAT | O_WRONLY, 0644) >= 0);
    NEED(syscall(SYS_stat, "d/s", &s) == 0 && syscall(SYS_newfstatat, AT_FDCWD, "d/s", &s, 0) == 0);
    NEED(syscall(SYS_access, "d/s", F_OK) == 0 && syscall(SYS_unlink, "d/s") == 0 && access("d/s", F_OK) == -1);
    NEED(syscall(SYS_mkdir, "d/m", 0755) == 0 && syscall(SYS_rename, "d/m", "d/n") == 0 && syscall(SYS_rmdir, "d/n") == 0);
    NEED(eaccess("f", R_OK) == 0 && euidaccess("f", R_OK) == 0);
    NEED(strstr(get_current_dir_name(), "tree"));
    return 0;
}
C
}
body() { "$PROGRAMS/spell"; }
play "$@"
