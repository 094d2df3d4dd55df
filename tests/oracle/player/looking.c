/* Calls that look at a node without changing it: the stat and access families, links, names, file systems. */
#include "player.h"

#include <limits.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* What libc's old names are called with. */
#ifdef __x86_64__
#define STAT_VERSION 1
#else
#define STAT_VERSION 0
#endif

int __xstat(int, const char *, struct stat *);
int __lxstat(int, const char *, struct stat *);
int __fxstat(int, int, struct stat *);
int __fxstatat(int, int, const char *, struct stat *, int);
int __xstat64(int, const char *, struct stat64 *);
int __lxstat64(int, const char *, struct stat64 *);
int __fxstat64(int, int, struct stat64 *);
int __fxstatat64(int, int, const char *, struct stat64 *, int);
char *__realpath_chk(const char *, char *, size_t);
char *__getcwd_chk(char *, size_t, size_t);
ssize_t __readlink_chk(const char *, char *, size_t, size_t);
ssize_t __readlinkat_chk(int, const char *, char *, size_t, size_t);
char *getwd(char *);

#define SHAPE(s) \
    { (s).st_mode, (s).st_nlink, (s).st_uid, (s).st_gid, (s).st_size, (s).st_dev, (s).st_rdev, (s).st_ino, (s).st_atim, (s).st_mtim }
#define STAT(name, type, expression) \
    static void act_##name(struct call *c) \
    { \
        struct type s; \
        if ((expression) == -1) { say_errno(c); return; } \
        struct shape shape = SHAPE(s); \
        if (errno != 77) say(c, "errno! "); \
        say_shape(c, &shape); \
    }
STAT(stat, stat, stat(path(c, 0), &s))
STAT(stat64, stat64, stat64(path(c, 0), &s))
STAT(lstat, stat, lstat(path(c, 0), &s))
STAT(lstat64, stat64, lstat64(path(c, 0), &s))
STAT(fstat, stat, fstat(fd(c, 0), &s))
STAT(fstat64, stat64, fstat64(fd(c, 0), &s))
STAT(fstatat, stat, fstatat(dir_fd(c, 0), path(c, 1), &s, (int)number(c, 2)))
STAT(fstatat64, stat64, fstatat64(dir_fd(c, 0), path(c, 1), &s, (int)number(c, 2)))
STAT(__xstat, stat, __xstat(STAT_VERSION, path(c, 0), &s))
STAT(__xstat64, stat64, __xstat64(STAT_VERSION, path(c, 0), &s))
STAT(__lxstat, stat, __lxstat(STAT_VERSION, path(c, 0), &s))
STAT(__lxstat64, stat64, __lxstat64(STAT_VERSION, path(c, 0), &s))
STAT(__fxstat, stat, __fxstat(STAT_VERSION, fd(c, 0), &s))
STAT(__fxstat64, stat64, __fxstat64(STAT_VERSION, fd(c, 0), &s))
STAT(__fxstatat, stat, __fxstatat(STAT_VERSION, dir_fd(c, 0), path(c, 1), &s, (int)number(c, 2)))
STAT(__fxstatat64, stat64, __fxstatat64(STAT_VERSION, dir_fd(c, 0), path(c, 1), &s, (int)number(c, 2)))
STAT(sys_stat, stat, syscall(SYS_stat, path(c, 0), &s))
STAT(sys_lstat, stat, syscall(SYS_lstat, path(c, 0), &s))
STAT(sys_fstat, stat, syscall(SYS_fstat, fd(c, 0), &s))
STAT(sys_newfstatat, stat, syscall(SYS_newfstatat, dir_fd(c, 0), path(c, 1), &s, (int)number(c, 2)))

static void say_statx(struct call *c, const struct statx *s)
{
    dev_t device = makedev(s->stx_dev_major, s->stx_dev_minor);
    struct shape shape = { s->stx_mode, s->stx_nlink, s->stx_uid, s->stx_gid, (off_t)s->stx_size, device,
                           makedev(s->stx_rdev_major, s->stx_rdev_minor), s->stx_ino,
                           { s->stx_atime.tv_sec, s->stx_atime.tv_nsec }, { s->stx_mtime.tv_sec, s->stx_mtime.tv_nsec } };
    say_shape(c, &shape);
    say(c, " mask %#x", s->stx_mask & STATX_BASIC_STATS);
}
static void act_statx(struct call *c)
{
    struct statx s;
    if (statx(dir_fd(c, 0), path(c, 1), (int)number(c, 2), STATX_BASIC_STATS, &s) == -1) say_errno(c); else say_statx(c, &s);
}
static void act_sys_statx(struct call *c)
{
    struct statx s;
    if (syscall(SYS_statx, dir_fd(c, 0), path(c, 1), (int)number(c, 2), STATX_BASIC_STATS, &s) == -1) say_errno(c); else say_statx(c, &s);
}
/* Whether two things are one node, and whether a path and an open descriptor are. */
static void act_same(struct call *c)
{
    struct stat a, b;
    if (stat(path(c, 0), &a) == -1 || lstat(path(c, 1), &b) == -1)
        say_errno(c);
    else
        say(c, a.st_ino == b.st_ino && a.st_dev == b.st_dev ? "same" : "different");
}
static void act_same_fd(struct call *c)
{
    struct stat a, b;
    if (fstat(fd(c, 0), &a) == -1 || stat(path(c, 1), &b) == -1) {
        say_errno(c);
        return;
    }
    say(c, a.st_ino == b.st_ino && a.st_dev == b.st_dev ? "same" : "different");
    if (a.st_ino == b.st_ino && (a.st_size != b.st_size || a.st_mode != b.st_mode || a.st_mtim.tv_nsec != b.st_mtim.tv_nsec))
        say(c, " but differ");
}
/* The times of two nodes against each other, as make looks at them. */
static void act_newer(struct call *c)
{
    struct stat a, b;
    if (stat(path(c, 0), &a) == -1 || stat(path(c, 1), &b) == -1) {
        say_errno(c);
        return;
    }
    long seconds = a.st_mtim.tv_sec - b.st_mtim.tv_sec, rest = a.st_mtim.tv_nsec - b.st_mtim.tv_nsec;
    say(c, seconds > 0 || (seconds == 0 && rest > 0) ? "newer" : seconds == 0 && rest == 0 ? "equal" : "older");
}
static void act_blocks(struct call *c)
{
    struct stat s;
    if (lstat(path(c, 0), &s) == -1)
        say_errno(c);
    else
        say(c, "blocks %s, blksize %s", s.st_blocks == 0 ? "0" : "some", s.st_blksize >= 512 ? "sensible" : "odd");
}

static void act_access(struct call *c) { say_done(c, access(path(c, 0), (int)number(c, 1))); }
static void act_eaccess(struct call *c) { say_done(c, eaccess(path(c, 0), (int)number(c, 1))); }
static void act_euidaccess(struct call *c) { say_done(c, euidaccess(path(c, 0), (int)number(c, 1))); }
static void act_faccessat(struct call *c) { say_done(c, faccessat(dir_fd(c, 0), path(c, 1), (int)number(c, 2), (int)number(c, 3))); }
static void act_sys_access(struct call *c) { say_done(c, syscall(SYS_access, path(c, 0), (int)number(c, 1))); }
static void act_sys_faccessat(struct call *c) { say_done(c, syscall(SYS_faccessat, dir_fd(c, 0), path(c, 1), (int)number(c, 2))); }
static void act_sys_faccessat2(struct call *c)
{
    say_done(c, syscall(439, dir_fd(c, 0), path(c, 1), (int)number(c, 2), (int)number(c, 3)));
}

/* Links: also into too little room. */
static void say_target(struct call *c, char *target, ssize_t length)
{
    if (length == -1) { say_errno(c); return; }
    target[length] = 0;
    say(c, "%zd ", length);
    say_path(c, target);
}
static size_t room(struct call *c, int place)
{
    long size = number(c, place);
    return size <= 0 ? 0 : size < 8000 ? (size_t)size : 8000;
}
static char target[8192];
static void act_readlink(struct call *c) { say_target(c, target, readlink(path(c, 0), target, room(c, 1))); }
static void act_readlinkat(struct call *c) { say_target(c, target, readlinkat(dir_fd(c, 0), path(c, 1), target, room(c, 2))); }
static void act___readlink_chk(struct call *c) { say_target(c, target, __readlink_chk(path(c, 0), target, room(c, 1), 8192)); }
static void act___readlinkat_chk(struct call *c)
{
    say_target(c, target, __readlinkat_chk(dir_fd(c, 0), path(c, 1), target, room(c, 2), 8192));
}
static void act_sys_readlink(struct call *c) { say_target(c, target, syscall(SYS_readlink, path(c, 0), target, room(c, 1))); }
static void act_sys_readlinkat(struct call *c)
{
    say_target(c, target, syscall(SYS_readlinkat, dir_fd(c, 0), path(c, 1), target, room(c, 2)));
}
static void say_name(struct call *c, const char *name)
{
    if (name == NULL) say_errno(c); else say_path(c, name);
}
/* Which of a file's names is told depends on what else was done to it. */
static int is_one_of_many(int fd, ssize_t length)
{
    struct stat opened, named;
    if (length < 0 || length >= 8000)
        return 0;
    target[length] = 0;
    return fstat(fd, &opened) == 0 && !S_ISDIR(opened.st_mode) && opened.st_nlink > 1
        && (lstat(target, &named) == 0 ? named.st_ino == opened.st_ino : errno == EACCES);
}
static void act_proc_fd(struct call *c)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd(c, 0));
    ssize_t length = readlink(name, target, 8000);
    if (length > 0 && target[0] != '/') /* a socket or pipe: its number says nothing */
        say(c, "%.4s", target);
    else if (length > 10 && memcmp(target + length - 10, " (deleted)", 10) == 0) /* perhaps a name that libc made up */
        say(c, "deleted");
    else if (is_one_of_many(fd(c, 0), length))
        say(c, "one of its names");
    else
        say_target(c, target, length);
}
static void act_proc_cwd(struct call *c)
{
    ssize_t length = readlink("/proc/self/cwd", target, 8000);
    if (length > 10 && memcmp(target + length - 10, " (deleted)", 10) == 0)
        say(c, "deleted");
    else
        say_target(c, target, length);
}

/* Whole names. */
static char full[PATH_MAX + 1];
static void act_realpath(struct call *c) { say_name(c, realpath(path(c, 0), full)); }
static void act___realpath_chk(struct call *c) { say_name(c, __realpath_chk(path(c, 0), full, sizeof full)); }
static void act_realpath_null(struct call *c)
{
    char *name = realpath(path(c, 0), NULL);
    say_name(c, name);
    free(name);
}
static void act_canonicalize_file_name(struct call *c)
{
    char *name = canonicalize_file_name(path(c, 0));
    say_name(c, name);
    free(name);
}
static void act_getcwd(struct call *c) { say_name(c, getcwd(full, room(c, 0) < sizeof full ? room(c, 0) : sizeof full)); }
static void act___getcwd_chk(struct call *c) { say_name(c, __getcwd_chk(full, room(c, 0) < sizeof full ? room(c, 0) : sizeof full, sizeof full)); }
static void act_getcwd_null(struct call *c)
{
    char *name = getcwd(NULL, 0);
    say_name(c, name);
    free(name);
}
static void act_get_current_dir_name(struct call *c)
{
    char *name = get_current_dir_name();
    say_name(c, name);
    free(name);
}
static void act_getwd(struct call *c) { char *name = getwd(full); if (name) say_path(c, name); else say(c, "none"); }
static void act_sys_getcwd(struct call *c)
{
    long length = syscall(SYS_getcwd, full, room(c, 0) < sizeof full ? room(c, 0) : sizeof full);
    if (length == -1) say_errno(c); else say_path(c, full);
}

/* File systems: what every one has in common. */
#define STATFS(name, type, argument, names) \
    static void act_##name(struct call *c) \
    { \
        struct type s; \
        if (name(argument, &s) == -1) say_errno(c); else say(c, "block %s name %ld", s.f_bsize > 0 ? "some" : "0", (long)s.names); \
    }
STATFS(statfs, statfs, path(c, 0), f_namelen)
STATFS(statfs64, statfs64, path(c, 0), f_namelen)
STATFS(fstatfs, statfs, fd(c, 0), f_namelen)
STATFS(fstatfs64, statfs64, fd(c, 0), f_namelen)
STATFS(statvfs, statvfs, path(c, 0), f_namemax)
STATFS(statvfs64, statvfs64, path(c, 0), f_namemax)
STATFS(fstatvfs, statvfs, fd(c, 0), f_namemax)
STATFS(fstatvfs64, statvfs64, fd(c, 0), f_namemax)
static void act_pathconf(struct call *c) { errno = 77; long r = pathconf(path(c, 0), (int)number(c, 1)); if (r == -1 && errno == 77) say(c, "none"); else say_number(c, r); }
static void act_fpathconf(struct call *c) { errno = 77; long r = fpathconf(fd(c, 0), (int)number(c, 1)); if (r == -1 && errno == 77) say(c, "none"); else say_number(c, r); }

#define O(name, family, signature) { #name, family, signature, act_##name }
const struct operation looking[] = {
    O(stat, "stat", "p"), O(stat64, "stat", "p"), O(__xstat, "stat", "p"), O(__xstat64, "stat", "p"), O(sys_stat, "stat", "p"),
    O(lstat, "lstat", "p"), O(lstat64, "lstat", "p"), O(__lxstat, "lstat", "p"), O(__lxstat64, "lstat", "p"), O(sys_lstat, "lstat", "p"),
    O(fstat, "fstat", "f"), O(fstat64, "fstat", "f"), O(__fxstat, "fstat", "f"), O(__fxstat64, "fstat", "f"), O(sys_fstat, "fstat", "f"),
    O(fstatat, "fstatat", "dpS"), O(fstatat64, "fstatat", "dpS"), O(__fxstatat, "fstatat", "dpS"), O(__fxstatat64, "fstatat", "dpS"),
    O(sys_newfstatat, "fstatat", "dpS"), O(statx, "statx", "dpS"), O(sys_statx, "statx", "dpS"),
    O(same, "same", "pp"), O(same_fd, "same", "fp"), O(newer, "odd-newer", "pp"), O(blocks, "odd-blocks", "p"),
    O(access, "access", "pA"), O(eaccess, "access", "pA"), O(euidaccess, "access", "pA"), O(sys_access, "access", "pA"),
    O(faccessat, "faccessat", "dpAe"), O(sys_faccessat, "faccessat", "dpA"), O(sys_faccessat2, "faccessat", "dpAe"),
    O(readlink, "readlink", "pz"), O(__readlink_chk, "readlink", "pz"), O(sys_readlink, "readlink", "pz"),
    O(readlinkat, "readlinkat", "dpz"), O(__readlinkat_chk, "readlinkat", "dpz"), O(sys_readlinkat, "readlinkat", "dpz"),
    O(proc_fd, "proc", "f"), O(proc_cwd, "proc", ""),
    O(realpath, "realpath", "p"), O(__realpath_chk, "realpath", "p"), O(realpath_null, "realpath", "p"), O(canonicalize_file_name, "realpath", "p"),
    O(getcwd, "getcwd", "z"), O(__getcwd_chk, "getcwd", "z"), O(getcwd_null, "getcwd", ""), O(get_current_dir_name, "getcwd", ""),
    O(getwd, "getcwd", ""), O(sys_getcwd, "getcwd", "z"),
    O(statfs, "statfs", "p"), O(statfs64, "statfs", "p"), O(fstatfs, "fstatfs", "f"), O(fstatfs64, "fstatfs", "f"),
    O(statvfs, "statfs", "p"), O(statvfs64, "statfs", "p"), O(fstatvfs, "fstatfs", "f"), O(fstatvfs64, "fstatfs", "f"),
    O(pathconf, "pathconf", "pC"), O(fpathconf, "pathconf", "fC"),
    END
};
