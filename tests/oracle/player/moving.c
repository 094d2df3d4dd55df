/* Renames. One across the border of the tree is between two file systems, where programs copy: mv does, and a workspace does it
 * in the call itself. `move`, and every rename by chance, goes on as mv where it is EXDEV, so that what comes of it is compared. */
#include "player.h"

#include <sys/syscall.h>
#include <sys/xattr.h>

static int ends_in_slash(const char *path)
{
    size_t length = strlen(path);
    return length > 0 && path[length - 1] == '/';
}
static int copy_bytes(int from, int to)
{
    static char piece[1 << 16];
    ssize_t got;
    while ((got = read(from, piece, sizeof piece)) > 0)
        if (write(to, piece, (size_t)got) != got)
            return -1;
    return got == 0 ? 0 : -1;
}
static void copy_attributes(int from, int to)
{
    static char names[65536], value[65536];
    ssize_t length = flistxattr(from, names, sizeof names);
    for (char *at = names; length > 0 && at < names + length; at += strlen(at) + 1) {
        ssize_t size = strncmp(at, "user.", 5) == 0 ? fgetxattr(from, at, value, sizeof value) : -1;
        if (size >= 0)
            fsetxattr(to, at, value, (size_t)size, 0);
    }
}
/* A copy with everything that a node says of itself. */
static int copy(int from_at, const char *from, const struct stat *seen, int to_at, const char *to)
{
    int result = 0;
    if (S_ISLNK(seen->st_mode)) {
        static char text[8192];
        ssize_t length = readlinkat(from_at, from, text, sizeof text - 1);
        if (length == -1)
            return -1;
        text[length] = 0;
        result = symlinkat(text, to_at, to);
    } else if (S_ISFIFO(seen->st_mode)) {
        result = mkfifoat(to_at, to, 0600);
    } else {
        int in = openat(from_at, from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        int out = in == -1 ? -1 : openat(to_at, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        result = out == -1 ? -1 : copy_bytes(in, out);
        if (result == 0)
            copy_attributes(in, out);
        close(out);
        close(in);
    }
    struct timespec times[2] = { seen->st_atim, seen->st_mtim };
    if (result != 0 || fchownat(to_at, to, seen->st_uid, seen->st_gid, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    if (!S_ISLNK(seen->st_mode) && fchmodat(to_at, to, seen->st_mode & 07777, 0) != 0)
        return -1;
    return utimensat(to_at, to, times, AT_SYMLINK_NOFOLLOW);
}
/* 0: it was moved, as mv does it. */
static int as_mv(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    struct stat seen, there;
    if ((flags & ~RENAME_NOREPLACE) || ends_in_slash(from) || ends_in_slash(to))
        return -1;
    if (fstatat(from_at, from, &seen, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    if (!S_ISREG(seen.st_mode) && !S_ISLNK(seen.st_mode) && !S_ISFIFO(seen.st_mode))
        return -1;
    /* The owner of what he may not read moves it all the same. */
    int shut = S_ISREG(seen.st_mode) && faccessat(from_at, from, R_OK, AT_EACCESS) != 0;
    if (shut && fchmodat(from_at, from, (seen.st_mode & 07777) | 0400, 0) != 0)
        return -1;
    if (fstatat(to_at, to, &there, AT_SYMLINK_NOFOLLOW) == 0
        && (S_ISDIR(there.st_mode) || flags || unlinkat(to_at, to, 0) != 0))
        goto failed;
    if (copy(from_at, from, &seen, to_at, to) != 0)
        goto failed;
    if (unlinkat(from_at, from, 0) == 0)
        return 0;
failed:
    if (shut)
        fchmodat(from_at, from, seen.st_mode & 07777, 0);
    return -1;
}
static void say_moved(struct call *c, int always, long result, int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    if (result == -1 && errno == EXDEV && (always || at_random)) {
        if (as_mv(from_at, from, to_at, to, flags) == 0) {
            result = 0;
            errno = 77;
        } else {
            errno = EXDEV;
        }
    }
    say_done(c, result);
}
#define RENAME(name, always, expression) \
    static void act_##name(struct call *c) \
    { \
        const char *from = path(c, 0), *to = path(c, 1); \
        say_moved(c, always, expression, AT_FDCWD, from, AT_FDCWD, to, 0); \
    }
#define RENAMEAT(name, expression) \
    static void act_##name(struct call *c) \
    { \
        int from_at = dir_fd(c, 0), to_at = dir_fd(c, 2); \
        unsigned flags = (unsigned)number(c, 4); \
        const char *from = path(c, 1), *to = path(c, 3); \
        say_moved(c, 0, expression, from_at, from, to_at, to, flags); \
    }
RENAME(rename, 0, rename(from, to))
RENAME(sys_rename, 0, syscall(SYS_rename, from, to))
RENAME(move, 1, rename(from, to))
RENAMEAT(renameat, renameat(from_at, from, to_at, to))
RENAMEAT(sys_renameat, syscall(SYS_renameat, from_at, from, to_at, to))
RENAMEAT(renameat2, renameat2(from_at, from, to_at, to, flags))
RENAMEAT(sys_renameat2, syscall(SYS_renameat2, from_at, from, to_at, to, flags))

#define O(name, family, signature) { #name, family, signature, act_##name }
const struct operation moving[] = {
    O(rename, "rename", "pp"), O(sys_rename, "rename", "pp"), O(renameat, "rename", "dpdp"), O(sys_renameat, "rename", "dpdp"),
    O(move, "move", "pp"), O(renameat2, "renameat2", "dpdpr"), O(sys_renameat2, "renameat2", "dpdpr"),
    END
};
