#!/bin/sh
# A file without a name is made, written, and given one; what is written to it afterwards is in the named file.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; echo x >f; ln -s d l; }
body() {
    program tmpfile <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#define MUST(x) do { errno = 0; if (!(x)) { printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); return 1; } } while (0)
int main(int count, char **word) {
    struct stat before, after, seen;
    char path[64], target[4096], text[64] = "";
    umask(027);
    MUST(stat("d", &before) == 0);
    int fd = open("d", O_TMPFILE | O_RDWR, 0666);
    MUST(fd >= 0);
    MUST(stat("d", &after) == 0 && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec && after.st_mtime == before.st_mtime);
    MUST(fstat(fd, &seen) == 0 && S_ISREG(seen.st_mode) && (seen.st_mode & 07777) == 0640 && seen.st_nlink == 0);
    MUST(seen.st_uid == geteuid() && seen.st_gid == getegid() && seen.st_size == 0);
    MUST(write(fd, "first\n", 6) == 6);
    MUST(fsetxattr(fd, "user.word", "word", 4, 0) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof target - 1);
    MUST(length > 10);
    target[length] = 0;
    MUST(strstr(target, " (deleted)") && !strstr(target, "drafts") && !strstr(target, "store"));
    MUST(access("l/named", F_OK) == -1 && errno == ENOENT);
    MUST(linkat(AT_FDCWD, path, AT_FDCWD, "f", AT_SYMLINK_FOLLOW) == -1 && errno == EEXIST);
    MUST(linkat(AT_FDCWD, path, AT_FDCWD, "l/named", AT_SYMLINK_FOLLOW) == 0);
    MUST(stat("d/named", &seen) == 0 && seen.st_nlink == 1 && (seen.st_mode & 07777) == 0640 && seen.st_size == 6);
    MUST(fstat(fd, &after) == 0 && after.st_ino == seen.st_ino && after.st_dev == seen.st_dev && after.st_mode == seen.st_mode);
    MUST(dup2(fd, 9) == 9 && system("[ $(stat -L -c %i:%a /dev/fd/9) = $(stat -c %i:%a d/named) ]") == 0 && close(9) == 0);
    MUST(getxattr("d/named", "user.word", text, 9) == 4 && !memcmp(text, "word", 4) && memset(text, 0, sizeof text));
    MUST(write(fd, "second\n", 7) == 7);
    MUST(fchmod(fd, 0600) == 0 && stat("d/named", &seen) == 0 && (seen.st_mode & 07777) == 0600 && seen.st_size == 13);
    int again = open("d/named", O_RDONLY);
    MUST(again >= 0 && read(again, text, sizeof text) == 13 && !strcmp(text, "first\nsecond\n"));
    MUST(linkat(AT_FDCWD, path, AT_FDCWD, "d/other", AT_SYMLINK_FOLLOW) == 0);
    MUST(stat("d/other", &after) == 0 && after.st_ino == seen.st_ino && after.st_nlink == 2);
    MUST(close(fd) == 0);
    int excl = open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0600);
    MUST(excl >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", excl);
    MUST(linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW) == -1 && errno == ENOENT);
    MUST(access("never", F_OK) == -1);
    int self = open(".", O_TMPFILE | O_WRONLY, 0644);
    int linked = linkat(self, "", AT_FDCWD, "itself", AT_EMPTY_PATH);
    MUST(linked == 0 || geteuid() && errno == ENOENT);
    if (linked) { snprintf(path, sizeof path, "/proc/self/fd/%d", self); MUST(linkat(AT_FDCWD, path, AT_FDCWD, "itself", AT_SYMLINK_FOLLOW) == 0); }
    MUST(write(self, "itself\n", 7) == 7);
    MUST(open("f", O_TMPFILE | O_RDWR, 0600) == -1 && errno == ENOTDIR);
    MUST(open(".", O_TMPFILE | O_RDONLY, 0600) == -1 && errno == EINVAL);
    MUST(open("none", O_TMPFILE | O_RDWR, 0600) == -1 && errno == ENOENT);
    return 0;
}
C
    "$PROGRAMS/tmpfile"
    is d/named "first
second"
    is itself itself
    same entries "$(ls -A d . | tr '\n' ' ')" '.: .in-force d f itself l  d: named other '
}
after() {
    same sealed "$(outside d/named)" "first
second"
    same itself "$(outside itself)" itself
}
play "$@"
