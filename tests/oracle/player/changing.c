/* Calls that change names: make, remove, link; and the working directory. */
#include "player.h"

#include <sys/syscall.h>

int __xmknod(int, const char *, mode_t, dev_t *);
int __xmknodat(int, int, const char *, mode_t, dev_t *);

/* A device that no driver has: opened it is not there, on both sides. */
#define NOBODYS 0x3c03

#define DO(name, expression) static void act_##name(struct call *c) { say_done(c, expression); }

DO(unlink, unlink(path(c, 0)))
DO(unlinkat, unlinkat(dir_fd(c, 0), path(c, 1), (int)number(c, 2)))
DO(rmdir, rmdir(path(c, 0)))
/* libc tries unlink before rmdir, so errno does not stay. */
static void act_remove(struct call *c)
{
    int result = remove(path(c, 0));
    if (result == 0)
        errno = 77;
    say_done(c, result);
}
DO(sys_unlink, syscall(SYS_unlink, path(c, 0)))
DO(sys_unlinkat, syscall(SYS_unlinkat, dir_fd(c, 0), path(c, 1), (int)number(c, 2)))
DO(sys_rmdir, syscall(SYS_rmdir, path(c, 0)))

DO(link, link(path(c, 0), path(c, 1)))
DO(linkat, linkat(dir_fd(c, 0), path(c, 1), dir_fd(c, 2), path(c, 3), (int)number(c, 4)))
DO(sys_link, syscall(SYS_link, path(c, 0), path(c, 1)))
DO(sys_linkat, syscall(SYS_linkat, dir_fd(c, 0), path(c, 1), dir_fd(c, 2), path(c, 3), (int)number(c, 4)))
/* A name for an open descriptor: how a file of O_TMPFILE gets one. */
static void act_link_fd(struct call *c)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd(c, 0));
    say_done(c, linkat(AT_FDCWD, name, AT_FDCWD, path(c, 1), AT_SYMLINK_FOLLOW));
}

/* A symlink outside that leads into the tree leads to what is on the disk there: none is made by chance. */
static int leads_in(struct call *c, int from, const char *name)
{
    char here[8192], link[64];
    const char *target = path(c, 0);
    size_t length = strlen(root_path());
    if (!at_random || target == NULL || name == NULL || *name == '/' || strncmp(target, root_path(), length) != 0)
        return 0;
    snprintf(link, sizeof link, from == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", from);
    ssize_t got = readlink(link, here, sizeof here - 1);
    if (got == -1)
        return 0;
    here[got] = 0;
    if (strncmp(here, root_path(), length) == 0)
        return 0;
    say(c, "left out");
    return 1;
}
#define SYMLINK(name, from, place, expression) \
    static void act_##name(struct call *c) { if (!leads_in(c, from, path(c, place))) say_done(c, expression); }
SYMLINK(symlink, AT_FDCWD, 1, symlink(path(c, 0), path(c, 1)))
SYMLINK(symlinkat, dir_fd(c, 1), 2, symlinkat(path(c, 0), dir_fd(c, 1), path(c, 2)))
SYMLINK(sys_symlink, AT_FDCWD, 1, syscall(SYS_symlink, path(c, 0), path(c, 1)))
SYMLINK(sys_symlinkat, dir_fd(c, 1), 2, syscall(SYS_symlinkat, path(c, 0), dir_fd(c, 1), path(c, 2)))

DO(mkdir, mkdir(path(c, 0), (mode_t)number(c, 1)))
DO(mkdirat, mkdirat(dir_fd(c, 0), path(c, 1), (mode_t)number(c, 2)))
DO(sys_mkdir, syscall(SYS_mkdir, path(c, 0), (mode_t)number(c, 1)))
DO(sys_mkdirat, syscall(SYS_mkdirat, dir_fd(c, 0), path(c, 1), (mode_t)number(c, 2)))

DO(mkfifo, mkfifo(path(c, 0), (mode_t)number(c, 1)))
DO(mkfifoat, mkfifoat(dir_fd(c, 0), path(c, 1), (mode_t)number(c, 2)))
DO(mknod, mknod(path(c, 0), (mode_t)(number(c, 1) | number(c, 2)), NOBODYS))
DO(mknodat, mknodat(dir_fd(c, 0), path(c, 1), (mode_t)(number(c, 2) | number(c, 3)), NOBODYS))
DO(sys_mknod, syscall(SYS_mknod, path(c, 0), (mode_t)(number(c, 1) | number(c, 2)), NOBODYS))
DO(sys_mknodat, syscall(SYS_mknodat, dir_fd(c, 0), path(c, 1), (mode_t)(number(c, 2) | number(c, 3)), NOBODYS))
static dev_t device = NOBODYS;
DO(__xmknod, __xmknod(0, path(c, 0), (mode_t)(number(c, 1) | number(c, 2)), &device))
DO(__xmknodat, __xmknodat(0, dir_fd(c, 0), path(c, 1), (mode_t)(number(c, 2) | number(c, 3)), &device))

/* Names that libc makes up: the file is moved at once to the name without the made-up part. */
static void settle(struct call *c, char *name, int place, size_t tail)
{
    char final[TEXT];
    struct stat stat;
    size_t length = strlen(name) - 6 - tail;
    int odd = strchr(name + length, 'X') != NULL && strncmp(name + length, "XXXXXX", 6) == 0;
    snprintf(final, sizeof final, "%.*s%s", (int)length, name, name + length + 6);
    say(c, odd ? " template unchanged" : "");
    if (lstat(name, &stat) == 0)
        say(c, " %o", stat.st_mode);
    if (rename(name, final) != 0) {
        say(c, " rename: ");
        say_errno(c);
        remove(name);
    }
    (void)place;
}
#define TEMPORARY(name, suffix, expression) \
    static void act_##name(struct call *c) \
    { \
        static char template[TEXT + 32]; \
        const char *given = path(c, 1); \
        snprintf(template, sizeof template, "%sXXXXXX%s", given ? given : "", suffix); \
        int made = expression; \
        say_fd(c, 0, made); \
        if (made != -1) settle(c, template, 1, sizeof suffix - 1); \
    }
TEMPORARY(mkstemp, "", mkstemp(template))
TEMPORARY(mkstemp64, "", mkstemp64(template))
TEMPORARY(mkostemp, "", mkostemp(template, O_CLOEXEC | O_APPEND))
TEMPORARY(mkostemp64, "", mkostemp64(template, O_CLOEXEC))
TEMPORARY(mkstemps, ".c", mkstemps(template, 2))
TEMPORARY(mkstemps64, ".c", mkstemps64(template, 2))
TEMPORARY(mkostemps, ".c", mkostemps(template, 2, O_CLOEXEC))
TEMPORARY(mkostemps64, ".c", mkostemps64(template, 2, O_CLOEXEC))
static void act_mkdtemp(struct call *c)
{
    static char template[TEXT + 32];
    const char *given = path(c, 0);
    snprintf(template, sizeof template, "%sXXXXXX", given ? given : "");
    if (mkdtemp(template) == NULL) { say_errno(c); return; }
    say(c, "ok");
    settle(c, template, 0, 0);
}
static void act_mktemp(struct call *c)
{
    static char template[TEXT + 32];
    struct stat stat;
    const char *given = path(c, 0);
    snprintf(template, sizeof template, "%sXXXXXX", given ? given : "");
    mktemp(template);
    if (template[0] == 0) say_errno(c); else say(c, lstat(template, &stat) == 0 ? "there" : "free");
}
static void act_tempnam(struct call *c)
{
    char *name = tempnam(path(c, 0), "vo"), above[TEXT];
    if (name == NULL) { say_errno(c); return; }
    snprintf(above, sizeof above, "%s", name);
    char *slash = strrchr(above, '/');
    if (slash) *slash = 0;
    say_path(c, above);
    free(name);
}
static void act_tmpfile(struct call *c)
{
    FILE *file = tmpfile();
    if (file == NULL) { say_errno(c); return; }
    say(c, "%d", fputs("x", file) >= 0);
    fclose(file);
}

/* The working directory. Whoever gets too far above the tree is taken back, so that the two sides do not meet. */
static void stay(struct call *c)
{
    char here[8192], base[700];
    snprintf(base, sizeof base, "%.*s", (int)(strlen(root_path()) - strlen("/4/5/6/tree")), root_path());
    int why = errno;
    if (getcwd(here, sizeof here) != NULL && strncmp(here, base, strlen(base)) != 0) {
        say(c, " too far");
        if (chdir(root_path()) != 0)
            exit(96);
    }
    errno = why;
}
static void act_chdir(struct call *c) { say_done(c, chdir(path(c, 0))); stay(c); }
static void act_fchdir(struct call *c) { say_done(c, fchdir(fd(c, 0))); stay(c); }
static void act_sys_chdir(struct call *c) { say_done(c, syscall(SYS_chdir, path(c, 0))); stay(c); }
static void act_sys_fchdir(struct call *c) { say_done(c, syscall(SYS_fchdir, fd(c, 0))); stay(c); }
static void act_umask(struct call *c) { say(c, "%04o", umask((mode_t)number(c, 0))); }

#define O(name, family, signature) { #name, family, signature, act_##name }
const struct operation changing[] = {
    O(unlink, "unlink", "p"), O(sys_unlink, "unlink", "p"), O(unlinkat, "unlinkat", "dpR"), O(sys_unlinkat, "unlinkat", "dpR"),
    O(rmdir, "rmdir", "p"), O(sys_rmdir, "rmdir", "p"), O(remove, "remove", "p"),
    O(link, "link", "pp"), O(sys_link, "link", "pp"), O(linkat, "linkat", "dpdpl"), O(sys_linkat, "linkat", "dpdpl"),
    O(link_fd, "link-fd", "fp"),
    O(symlink, "symlink", "Tp"), O(sys_symlink, "symlink", "Tp"), O(symlinkat, "symlink", "Tdp"), O(sys_symlinkat, "symlink", "Tdp"),
    O(mkdir, "mkdir", "pm"), O(sys_mkdir, "mkdir", "pm"), O(mkdirat, "mkdir", "dpm"), O(sys_mkdirat, "mkdir", "dpm"),
    O(mkfifo, "mknod", "pm"), O(mkfifoat, "mknod", "dpm"), O(mknod, "mknod", "pkm"), O(mknodat, "mknod", "dpkm"),
    O(sys_mknod, "mknod", "pkm"), O(sys_mknodat, "mknod", "dpkm"), O(__xmknod, "mknod", "pkm"), O(__xmknodat, "mknod", "dpkm"),
    O(mkstemp, "mkstemp", "np"), O(mkstemp64, "mkstemp", "np"), O(mkostemp, "mkstemp", "np"), O(mkostemp64, "mkstemp", "np"),
    O(mkstemps, "mkstemp", "np"), O(mkstemps64, "mkstemp", "np"), O(mkostemps, "mkstemp", "np"), O(mkostemps64, "mkstemp", "np"),
    O(mkdtemp, "mkdtemp", "p"), O(mktemp, "mktemp", "p"), O(tempnam, "tempnam", "p"), O(tmpfile, "tmpfile", ""),
    O(chdir, "chdir", "p"), O(sys_chdir, "chdir", "p"), O(fchdir, "fchdir", "f"), O(sys_fchdir, "fchdir", "f"), O(umask, "umask", "U"),
    END
};
