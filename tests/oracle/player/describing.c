/* Calls that change what a node says of itself: permission, owner, times, length, extended attributes. */
#include "player.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

#define DO(name, expression) static void act_##name(struct call *c) { say_done(c, expression); }

DO(chmod, chmod(path(c, 0), (mode_t)number(c, 1)))
DO(fchmod, fchmod(fd(c, 0), (mode_t)number(c, 1)))
DO(fchmodat, fchmodat(dir_fd(c, 0), path(c, 1), (mode_t)number(c, 2), (int)number(c, 3)))
DO(lchmod, lchmod(path(c, 0), (mode_t)number(c, 1)))
DO(sys_chmod, syscall(SYS_chmod, path(c, 0), (mode_t)number(c, 1)))
DO(sys_fchmod, syscall(SYS_fchmod, fd(c, 0), (mode_t)number(c, 1)))
DO(sys_fchmodat, syscall(SYS_fchmodat, dir_fd(c, 0), path(c, 1), (mode_t)number(c, 2)))
static void act_proc_chmod(struct call *c)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd(c, 0));
    say_done(c, chmod(name, (mode_t)number(c, 1)));
}

#define UID ((uid_t)number(c, 1))
#define GID ((gid_t)number(c, 2))
DO(chown, chown(path(c, 0), UID, GID))
DO(lchown, lchown(path(c, 0), UID, GID))
DO(fchown, fchown(fd(c, 0), UID, GID))
DO(fchownat, fchownat(dir_fd(c, 0), path(c, 1), (uid_t)number(c, 2), (gid_t)number(c, 3), (int)number(c, 4)))
DO(sys_chown, syscall(SYS_chown, path(c, 0), UID, GID))
DO(sys_lchown, syscall(SYS_lchown, path(c, 0), UID, GID))
DO(sys_fchown, syscall(SYS_fchown, fd(c, 0), UID, GID))
DO(sys_fchownat, syscall(SYS_fchownat, dir_fd(c, 0), path(c, 1), (uid_t)number(c, 2), (gid_t)number(c, 3), (int)number(c, 4)))

/* Two times, from two words behind `place`. Where a call knows no `now`, both give no times at all. */
static struct timespec two[2];
static const struct timespec *times(struct call *c, int place)
{
    moment(c, place, &two[0]);
    moment(c, place + 1, &two[1]);
    return strcmp(c->argument[place], "null") == 0 ? NULL : two;
}
static const struct timeval *old_times(struct call *c, int place)
{
    static struct timeval old[2];
    const struct timespec *given = times(c, place);
    for (int at = 0; at < 2; at++) {
        if (given == NULL || given[at].tv_nsec == UTIME_NOW || given[at].tv_nsec == UTIME_OMIT)
            return NULL;
        old[at] = (struct timeval){ given[at].tv_sec, given[at].tv_nsec / 1000 };
    }
    return old;
}
static void act_utime(struct call *c)
{
    const struct timeval *old = old_times(c, 1);
    struct utimbuf buffer = { old ? old[0].tv_sec : 0, old ? old[1].tv_sec : 0 };
    say_done(c, utime(path(c, 0), old ? &buffer : NULL));
}
DO(utimes, utimes(path(c, 0), old_times(c, 1)))
DO(lutimes, lutimes(path(c, 0), old_times(c, 1)))
DO(futimes, futimes(fd(c, 0), old_times(c, 1)))
DO(futimesat, futimesat(dir_fd(c, 0), path(c, 1), old_times(c, 2)))
DO(utimensat, utimensat(dir_fd(c, 0), path(c, 1), times(c, 2), (int)number(c, 4)))
DO(futimens, futimens(fd(c, 0), times(c, 1)))
DO(sys_utimensat, syscall(SYS_utimensat, dir_fd(c, 0), path(c, 1), times(c, 2), (int)number(c, 4)))
DO(sys_utimes, syscall(SYS_utimes, path(c, 0), old_times(c, 1)))

/* Who cuts a file by its path loses the locks that he has on it, in a workspace: a known difference. */
static int may_be_locked(const char *name)
{
    struct stat cut, open_now;
    if (!at_random || !has_locked || name == NULL || stat(name, &cut) != 0)
        return 0;
    for (int at = 0; at < SLOTS; at++)
        if ((fstat(descriptor[at], &open_now) == 0 && open_now.st_ino == cut.st_ino)
            || (stream[at] && fstat(fileno(stream[at]), &open_now) == 0 && open_now.st_ino == cut.st_ino))
            return 1;
    return 0;
}
#define TRUNCATE(name, expression) \
    static void act_##name(struct call *c) \
    { \
        int locked = may_be_locked(path(c, 0)); \
        errno = 77; \
        if (locked) { say(c, "left out"); return; } \
        say_done(c, expression); \
        end_reading_by_path(path(c, 0)); \
    }
TRUNCATE(truncate, truncate(path(c, 0), number(c, 1)))
TRUNCATE(truncate64, truncate64(path(c, 0), number(c, 1)))
TRUNCATE(sys_truncate, syscall(SYS_truncate, path(c, 0), number(c, 1)))

/* Extended attributes. Only those of the user are listed: others belong to the machine. */
static char value[70000];
static void say_value(struct call *c, ssize_t length, size_t room)
{
    if (length == -1) say_errno(c);
    else if (room == 0) say(c, "size %zd", length);
    else say_bytes(c, value, (size_t)length);
}
static size_t value_room(struct call *c, int place)
{
    long room = number(c, place);
    return room <= 0 ? 0 : room < (long)sizeof value ? (size_t)room : sizeof value;
}
#define GET(name, argument) \
    static void act_##name(struct call *c) \
    { \
        size_t room = value_room(c, 2); \
        say_value(c, name(argument, path(c, 1), value, room), room); \
    }
GET(getxattr, path(c, 0)) GET(lgetxattr, path(c, 0)) GET(fgetxattr, fd(c, 0))
#define SET(name, argument) \
    static void act_##name(struct call *c) \
    { \
        size_t length; \
        const char *given = bytes(c, 2, &length); \
        say_done(c, name(argument, path(c, 1), given, length, (int)number(c, 3))); \
    }
SET(setxattr, path(c, 0)) SET(lsetxattr, path(c, 0)) SET(fsetxattr, fd(c, 0))
DO(removexattr, removexattr(path(c, 0), path(c, 1)))
DO(lremovexattr, lremovexattr(path(c, 0), path(c, 1)))
DO(fremovexattr, fremovexattr(fd(c, 0), path(c, 1)))
static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static void say_list(struct call *c, ssize_t length, size_t room)
{
    char *sorted[128];
    size_t number = 0;
    if (length == -1) { say_errno(c); return; }
    if (room == 0) { say(c, "size %zd", length); return; }
    for (char *at = value; at < value + length && number < COUNT(sorted); at += strlen(at) + 1)
        if (strncmp(at, "user.", 5) == 0) sorted[number++] = at;
    qsort(sorted, number, sizeof *sorted, by_text);
    say(c, "%zu", number);
    for (size_t at = 0; at < number; at++)
        say(c, " %s", sorted[at]);
}
#define LIST(name, argument) \
    static void act_##name(struct call *c) \
    { \
        size_t room = value_room(c, 1); \
        say_list(c, name(argument, value, room), room); \
    }
LIST(listxattr, path(c, 0)) LIST(llistxattr, path(c, 0)) LIST(flistxattr, fd(c, 0))

#define O(name, family, signature) { #name, family, signature, act_##name }
const struct operation describing[] = {
    O(chmod, "chmod", "pm"), O(sys_chmod, "chmod", "pm"), O(fchmod, "fchmod", "fm"), O(sys_fchmod, "fchmod", "fm"),
    O(fchmodat, "fchmodat", "dpmS"), O(sys_fchmodat, "fchmodat", "dpm"), O(lchmod, "lchmod", "pm"), O(proc_chmod, "fchmod", "fm"),
    O(chown, "chown", "pug"), O(sys_chown, "chown", "pug"), O(lchown, "lchown", "pug"), O(sys_lchown, "lchown", "pug"),
    O(fchown, "fchown", "fug"), O(sys_fchown, "fchown", "fug"), O(fchownat, "fchownat", "dpugS"), O(sys_fchownat, "fchownat", "dpugS"),
    O(utime, "utimes", "pt"), O(utimes, "utimes", "pt"), O(sys_utimes, "utimes", "pt"), O(lutimes, "lutimes", "pt"),
    O(futimes, "futimens", "ft"), O(futimens, "futimens", "ft"), O(futimesat, "utimensat", "dpt"), O(utimensat, "utimensat", "dptS"),
    O(sys_utimensat, "utimensat", "dptS"),
    O(truncate, "truncate", "pz"), O(truncate64, "truncate", "pz"), O(sys_truncate, "truncate", "pz"),
    O(getxattr, "getxattr", "pxz"), O(lgetxattr, "getxattr", "pxz"), O(fgetxattr, "getxattr", "fxz"),
    O(setxattr, "setxattr", "pxvX"), O(lsetxattr, "setxattr", "pxvX"), O(fsetxattr, "setxattr", "fxvX"),
    O(removexattr, "removexattr", "px"), O(lremovexattr, "removexattr", "px"), O(fremovexattr, "removexattr", "fx"),
    O(listxattr, "listxattr", "pz"), O(llistxattr, "listxattr", "pz"), O(flistxattr, "listxattr", "fz"),
    END
};
