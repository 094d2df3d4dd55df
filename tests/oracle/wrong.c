/* A library that is wrong in one way, chosen by $WRONG: what the oracle must notice. For its own test only. */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is(const char *kind)
{
    const char *wrong = getenv("WRONG");
    return wrong && strcmp(wrong, kind) == 0;
}
#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

int open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    if (is("exclusive")) flags &= ~O_EXCL;
    if (is("append")) flags &= ~O_APPEND;
    if (is("truncate") && !(flags & O_CREAT)) flags &= ~O_TRUNC;
    if (is("mode")) mode |= 0111;
    if (is("nofollow")) flags &= ~O_NOFOLLOW;
    int leak = is("leak") ? dup(0) : -1;
    int fd = REAL(open)(path, flags, mode);
    if (fd == -1 && is("directory-error") && errno == ENOTDIR) errno = ENOENT;
    if (fd == -1 && is("open-error") && errno == EISDIR) errno = EACCES;
    if (fd != -1 && is("nonblock")) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    (void)leak;
    return fd;
}
int stat(const char *path, struct stat *s)
{
    if (is("slash") && path && strlen(path) > 1 && path[strlen(path) - 1] == '/') {
        char short_path[4096];
        snprintf(short_path, sizeof short_path, "%.*s", (int)strlen(path) - 1, path);
        return REAL(stat)(short_path, s);
    }
    int result = REAL(stat)(path, s);
    if (result == 0 && is("size") && S_ISREG(s->st_mode)) s->st_size++;
    if (result == 0 && is("nanoseconds")) s->st_mtim.tv_nsec = 0;
    if (result == 0 && is("owner")) s->st_uid++;
    if (result == -1 && is("loop") && errno == ELOOP) errno = ENOENT;
    return result;
}
int lstat(const char *path, struct stat *s)
{
    int result = is("lstat-follows") ? REAL(stat)(path, s) : REAL(lstat)(path, s);
    if (result == 0 && is("links")) s->st_nlink = 1;
    if (result == 0 && is("one-inode")) s->st_ino = 1;
    return result;
}
int fstat(int fd, struct stat *s)
{
    int result = REAL(fstat)(fd, s);
    if (result == 0 && is("fstat-inode")) s->st_ino++;
    return result;
}
int rename(const char *from, const char *to)
{
    struct stat s;
    if (is("rename-over") && REAL(lstat)(to, &s) == 0) { errno = EEXIST; return -1; }
    return REAL(rename)(from, to);
}
int unlink(const char *path)
{
    struct stat s;
    if (is("unlink") && REAL(lstat)(path, &s) == 0 && !S_ISDIR(s.st_mode)) return 0;
    int result = REAL(unlink)(path);
    if (result == 0 && is("errno")) errno = ENOENT;
    return result;
}
int rmdir(const char *path)
{
    int result = REAL(rmdir)(path);
    if (result == -1 && is("rmdir-error") && errno == ENOTEMPTY) errno = EEXIST;
    return result;
}
struct dirent *readdir(DIR *list)
{
    struct dirent *entry = REAL(readdir)(list);
    while (entry && is("dotfiles") && entry->d_name[0] == '.' && entry->d_name[1] && entry->d_name[1] != '.') entry = REAL(readdir)(list);
    if (entry && is("types")) entry->d_type = DT_UNKNOWN;
    if (entry && is("dots") && strcmp(entry->d_name, ".") == 0) entry = REAL(readdir)(list);
    return entry;
}
char *getcwd(char *room, size_t size)
{
    char *name = REAL(getcwd)(room, size);
    if (name && is("cwd")) name[strlen(name) - 1] = '?';
    return name;
}
char *realpath(const char *path, char *room)
{
    if (is("realpath") && path && path[0] == '/') return room ? strcpy(room, path) : strdup(path);
    return REAL(realpath)(path, room);
}
ssize_t readlink(const char *path, char *room, size_t size)
{
    ssize_t length = REAL(readlink)(path, room, size);
    if (length > 0 && is("readlink") && strncmp(path, "/proc", 5) != 0) room[0] = '?';
    return length;
}
int access(const char *path, int how) { return is("access") ? 0 : REAL(access)(path, how); }
int chmod(const char *path, mode_t mode)
{
    struct stat s;
    if (is("chmod") && REAL(stat)(path, &s) == 0) return 0;
    if (is("chmod-touches")) utimensat(AT_FDCWD, path, NULL, 0);
    return REAL(chmod)(path, mode);
}
int utimensat(int at, const char *path, const struct timespec *times, int flags)
{
    struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
    return REAL(utimensat)(at, path, is("utimens") && times ? now : times, flags);
}
int link(const char *from, const char *to)
{
    if (is("link")) { errno = EXDEV; return -1; }
    return REAL(link)(from, to);
}
int symlink(const char *target, const char *path) { return REAL(symlink)(is("symlink") ? "other" : target, path); }
int mkdir(const char *path, mode_t mode) { return REAL(mkdir)(path, is("mkdir-mode") ? mode & 0700 : mode); }
ssize_t write(int fd, const void *bytes, size_t length)
{
    if (is("write") && fd > 2 && length > 1) return REAL(write)(fd, bytes, length - 1), (ssize_t)length;
    if (is("crash") && fd > 2) abort();
    return REAL(write)(fd, bytes, length);
}
int truncate(const char *path, off_t length) { return REAL(truncate)(path, is("truncate-call") && length > 0 ? length - 1 : length); }
