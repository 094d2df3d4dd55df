/* Walks by fts, libraries, children that share, and further spellings. */
#include "player.h"

#include <dlfcn.h>
#include <fts.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <grp.h>

extern char **environ;
int __open(const char *, int, ...), __open64(const char *, int, ...), __fcntl(int, int, ...), __statfs(const char *, struct statfs *);
char *__getwd_chk(char *, size_t);

static void act___open(struct call *c) { say_fd(c, 0, __open(path(c, 1), (int)number(c, 2), (mode_t)number(c, 3))); }
static void act___open64(struct call *c) { say_fd(c, 0, __open64(path(c, 1), (int)number(c, 2), (mode_t)number(c, 3))); }
static void act___fcntl(struct call *c) { say_fd(c, 0, __fcntl(fd(c, 1), F_DUPFD_CLOEXEC, 3)); }
static void act_fcntl64(struct call *c) { say_fd(c, 0, fcntl64(fd(c, 1), F_DUPFD, 3)); }
static void act_lockf64(struct call *c) { has_locked = 1; say_done(c, lockf64(fd(c, 0), F_TLOCK, number(c, 1))); }
static void act_syncfs(struct call *c) { say_done(c, syncfs(fd(c, 0))); }
static void act___statfs(struct call *c)
{
    struct statfs s;
    if (__statfs(path(c, 0), &s) == -1) say_errno(c); else say(c, "name %ld", (long)s.f_namelen);
}
static void act___getwd_chk(struct call *c)
{
    static char full[PATH_MAX + 1];
    char *name = __getwd_chk(full, sizeof full);
    if (name) say_path(c, name); else say(c, "none");
}

/* fts, in the order of the names. */
static int by_name(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }
/* Whether what the walk says is to be opened is what it speaks of. */
static int leads_there(const FTSENT *at, int follows)
{
    struct stat stat_now;
    int result = (follows ? stat : lstat)(at->fts_accpath, &stat_now);
    return result == 0 && stat_now.st_ino == at->fts_statp->st_ino;
}
static void say_entry(struct call *c, const FTSENT *at, int options)
{
    char name[TEXT];
    size_t length = strlen(at->fts_path);
    /* What slashes stand behind the beginning is different each time. */
    while (at->fts_level == 0 && length > 1 && at->fts_path[length - 1] == '/') length--;
    snprintf(name, sizeof name, "%.*s", (int)length, at->fts_path);
    say(c, "; %d:%d:", at->fts_info, at->fts_level);
    say_path(c, name);
    if (at->fts_level > 0 && strcmp(at->fts_name, strrchr(at->fts_path, '/') ? strrchr(at->fts_path, '/') + 1 : at->fts_path) != 0)
        say(c, " named %s", at->fts_name);
    if (at->fts_level > 0 && at->fts_pathlen != strlen(at->fts_path)) say(c, " of %u", at->fts_pathlen);
    if ((options & FTS_NOSTAT) && at->fts_info != FTS_DNR && at->fts_info != FTS_ERR) /* there is nothing to look at */
        return;
    switch (at->fts_info) {
    case FTS_DNR: case FTS_ERR: case FTS_NS:
        errno = at->fts_errno;
        say(c, ":");
        say_errno(c);
        break;
    case FTS_DC:
        say(c, " at %d", at->fts_cycle->fts_level);
        break;
    case FTS_NSOK:
        break;
    case FTS_D: case FTS_DP: case FTS_F: case FTS_SL: case FTS_DEFAULT:
        say(c, ":%o.%ju", at->fts_statp->st_mode, (uintmax_t)at->fts_statp->st_nlink);
        if (S_ISREG(at->fts_statp->st_mode)) say(c, ".%jd", (intmax_t)at->fts_statp->st_size);
        if (!leads_there(at, options & FTS_LOGICAL) && !leads_there(at, !(options & FTS_LOGICAL))) say(c, " elsewhere");
        break;
    }
}
#define FTS_WALK(name, open_it, read_it, set_it, children_of, close_it) \
    static void act_##name(struct call *c) \
    { \
        char *begins[] = { path(c, 0), NULL }; \
        int options = (int)number(c, 1), most = 3000; \
        const char *asked = c->argument[2]; \
        FTS *walk = open_it(begins, options, by_name); \
        if (walk == NULL) { say_errno(c); return; } \
        say(c, "walk"); \
        for (FTSENT *at; most-- > 0 && (errno = 0, at = read_it(walk)) != NULL;) { \
            say_entry(c, at, options); \
            int wanted = strcmp(asked, "AGAIN") == 0 && at->fts_number++ == 0 ? FTS_AGAIN \
                       : strcmp(asked, "FOLLOW") == 0 && at->fts_info == FTS_SL && (options & FTS_NOCHDIR) ? FTS_FOLLOW \
                       : strcmp(asked, "SKIP") == 0 && strcmp(at->fts_name, "d1") == 0 ? FTS_SKIP : 0; \
            if (wanted && set_it(walk, at, wanted) != 0) say_errno(c); \
            int names = strcmp(asked, "NAMES") == 0; \
            if ((names || strcmp(asked, "CHILDREN") == 0) && at->fts_info == FTS_D) \
                for (FTSENT *in = children_of(walk, names ? FTS_NAMEONLY : 0); in; in = in->fts_link) { \
                    say(c, names ? " -" : " +%d", in->fts_info); \
                    say_path(c, in->fts_name); \
                } \
        } \
        if (most < 0) say(c, " more"); else if (errno) { say(c, " "); say_errno(c); } \
        close_it(walk); \
    }
FTS_WALK(fts, fts_open, fts_read, fts_set, fts_children, fts_close)
FTS_WALK(fts64, fts64_open, fts64_read, fts64_set, fts64_children, fts64_close)

static void say_step(struct call *c, int result)
{
    say(c, " ");
    if (result == -1) say_errno(c); else say(c, "%d", result);
}
/* What nftw changes directory for: names are looked at from where they are. */
static struct call *walked;
static int visit_there(const char *name, const struct stat *seen, int flag, struct FTW *place)
{
    struct stat stat_now;
    const char *last = place->level == 0 && flag == FTW_DP ? "." : name + place->base;
    if (flag != FTW_DP && (lstat(last, &stat_now) != 0 || stat_now.st_ino != seen->st_ino)) {
        say(walked, " not ");
        say_path(walked, name);
    }
    return 0;
}
static void act_ftw_from_there(struct call *c)
{
    walked = c;
    say_step(c, nftw(path(c, 0), visit_there, 8, FTW_PHYS | FTW_CHDIR));
}

/* The rest of a directory from two places, the second first: the names are the same as when it was read through. */
static void act_telldir(struct call *c)
{
    DIR *list = opendir(path(c, 0));
    if (list == NULL) { say_errno(c); return; }
    long places[64], skip = number(c, 1) % 16, count = 0;
    static char names[64][300];
    struct dirent *entry;
    for (;;) {
        long place = telldir(list);
        if (count == 64 || (entry = readdir(list)) == NULL) break;
        places[count] = place;
        snprintf(names[count++], sizeof names[0], "%s", entry->d_name);
    }
    int same = 1;
    for (long at = count - 1; at >= 0; at -= skip + 1) {
        seekdir(list, places[at]);
        entry = readdir(list);
        same &= entry != NULL && strcmp(entry->d_name, names[at]) == 0;
    }
    rewinddir(list);
    entry = readdir(list);
    same &= count == 0 || (entry != NULL && strcmp(entry->d_name, names[0]) == 0);
    say(c, "%ld %s", count, same ? "the same" : "others");
    closedir(list);
}
static void act_getdirentries(struct call *c)
{
    static char room[65536];
    off64_t base = 0;
    int list = open(path(c, 0), O_RDONLY | O_DIRECTORY), count = 0;
    unsigned sum = 0;
    ssize_t got;
    if (list == -1) { say_errno(c); return; }
    while ((got = number(c, 1) & 1 ? getdirentries(list, room, sizeof room, &base) : getdirentries64(list, room, sizeof room, &base)) > 0)
        for (ssize_t at = 0; at < got; at += ((struct dirent64 *)(room + at))->d_reclen, count++)
            for (const char *name = ((struct dirent64 *)(room + at))->d_name; *name; name++)
                sum += (unsigned char)*name;
    if (got == -1) say_errno(c); else say(c, "%d %u", count, sum);
    close(list);
}

/* Libraries. */
static void act_copy_library(struct call *c)
{
    void *library = dlopen("libBrokenLocale.so.1", RTLD_LAZY | RTLD_LOCAL);
    Dl_info known;
    char room[65536];
    void *any = library ? dlsym(library, "__ctype_get_mb_cur_max") : NULL;
    if (any == NULL || dladdr(any, &known) == 0) { say(c, "no library"); return; }
    int from = open(known.dli_fname, O_RDONLY), to = open(path(c, 0), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0755);
    ssize_t got = 0;
    if (to != -1 && at_random) end_reading(to);
    while (to != -1 && (got = read(from, room, sizeof room)) > 0 && write(to, room, (size_t)got) == got) ;
    if (to == -1) say_errno(c); else say(c, got == 0 ? "ok" : "not whole");
    close(from);
    close(to);
    dlclose(library);
}
static void say_library(struct call *c, void *library)
{
    const char *why = library ? NULL : dlerror();
    if (library) say(c, dlsym(library, "__ctype_get_mb_cur_max") ? "ok" : "nothing in it");
    else say_path(c, why && strrchr(why, ':') ? strrchr(why, ':') + 2 : "?");
    if (library) dlclose(library);
}
/* The loader waits for a pipe's writer. */
static int may_load(struct call *c)
{
    struct stat stat_now;
    const char *name = path(c, 0);
    if (name && *name && (stat(name, &stat_now) != 0 || S_ISREG(stat_now.st_mode) || S_ISDIR(stat_now.st_mode))) return 1;
    say(c, "left out");
    return 0;
}
static void act_dlopen(struct call *c) { if (may_load(c)) say_library(c, dlopen(path(c, 0), RTLD_NOW | RTLD_LOCAL)); }
static void act_dlmopen(struct call *c) { if (may_load(c)) say_library(c, dlmopen(LM_ID_BASE, path(c, 0), RTLD_LAZY)); }

/* What a child says into the memory that it shares with its parent. */
static void in_child(struct call *c, int (*make)(struct call *), void (*what)(struct call *))
{
    pid_t child = make(c);
    int status;
    if (child == 0) {
        what(c);
        memcpy(shared, c->result, c->length + 1);
        _exit(0);
    }
    if (child == -1) { say_errno(c); return; }
    while (waitpid(child, &status, 0) == -1 && errno == EINTR) ;
    if (WIFSIGNALED(status)) say(c, "signal %d", WTERMSIG(status)); else say(c, "%s", (const char *)shared);
}
static int make_fork(struct call *c) { (void)c; return fork(); }
static void say_place(struct call *c)
{
    char full[PATH_MAX + 1];
    struct stat stat_now;
    say_step(c, stat("a", &stat_now));
    char *name = getcwd(full, sizeof full);
    say(c, " ");
    if (name) say_path(c, name); else say_errno(c);
}
static void unshared(struct call *c)
{
    say_step(c, unshare(CLONE_FS | CLONE_FILES));
    say_step(c, chdir(path(c, 0)));
    say_place(c);
}
static void act_unshare(struct call *c)
{
    in_child(c, make_fork, unshared);
    say_place(c);
}
static int in_clone(void *given)
{
    struct call *c = given;
    say_step(c, chdir(path(c, 0)));
    say_place(c);
    _exit(0);
}
/* As a library does that starts programs: memory is shared, the parent waits. */
static void act_clone(struct call *c)
{
    static char stack[1 << 17] __attribute__((aligned(16)));
    pid_t child = clone(in_clone, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, c);
    while (waitpid(child, NULL, 0) == -1 && errno == EINTR) ;
    say_place(c);
}
/* Who stays who he is can do what he could. */
static void same_ids(struct call *c)
{
    uid_t user = getuid();
    gid_t group = getgid();
    gid_t none[1] = { group };
    say_step(c, setgroups(1, none));
    say_step(c, setgid(group));
    say_step(c, setegid(group));
    say_step(c, setregid(-1, group));
    say_step(c, setresgid(group, -1, group));
    say_step(c, setuid(user));
    say_step(c, seteuid(user));
    say_step(c, setreuid(user, -1));
    say_step(c, setresuid(-1, user, -1));
    say_step(c, setfsuid(user) == (int)user);
    say_step(c, setfsgid(group) == (int)group);
    if (user == 0) {
        say_step(c, seteuid(12345));
        say_step(c, seteuid(0));
        say_step(c, setresuid(-1, 12345, 0));
        say_step(c, setuid(0) == -1 ? seteuid(0) : 0);
    } else {
        say_step(c, setuid(0));
        say_step(c, setgid(0));
    }
    int made = open(path(c, 0), O_RDWR | O_CREAT | O_NONBLOCK, 0644);
    if (made == -1) { say(c, " "); say_errno(c); } else { say(c, " made"); close(made); }
}
static void act_same_ids(struct call *c) { in_child(c, make_fork, same_ids); }
/* A program with what was arranged for it before: a descriptor to read, another directory. */
static void act_spawn_arranged(struct call *c)
{
    char *given[] = { "sh", "-c", "read line <&9; test \"$line\" = hello && exit 3; test -e a && exit 4; exit 5", NULL };
    posix_spawn_file_actions_t actions;
    struct stat stat_now;
    int from = fd(c, 0), in = fd(c, 1), status = 0;
    if (fstat(from, &stat_now) != 0 || !S_ISREG(stat_now.st_mode)) { say(c, "none"); return; }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, from, 9);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (from > 2 && from != 9 && from != in) posix_spawn_file_actions_addclose(&actions, from);
    if (in >= 0) posix_spawn_file_actions_addfchdir_np(&actions, in);
    posix_spawn_file_actions_addclosefrom_np(&actions, 10);
    pid_t child;
    int result = posix_spawn(&child, "/bin/sh", &actions, NULL, given, environ);
    if (result != 0) {
        say(c, "%s", strerrorname_np(result));
    } else {
        while (waitpid(child, &status, 0) == -1 && errno == EINTR) ;
        say(c, "exit %d", WEXITSTATUS(status));
    }
    posix_spawn_file_actions_destroy(&actions);
}

#define O(name, family, signature) { #name, family, signature, act_##name }
const struct operation further[] = {
    O(__open, "open", "npom"), O(__open64, "open", "npom"), O(__fcntl, "dup", "nf"), O(fcntl64, "dup", "nf"), O(lockf64, "lock", "fz"),
    O(syncfs, "syncfs", "f"), O(__statfs, "statfs", "p"), O(__getwd_chk, "getcwd", ""),
    O(fts, "fts", "pGI"), O(fts64, "fts", "pGI"), O(ftw_from_there, "set-up", "p"), O(telldir, "telldir", "pn"), O(getdirentries, "getdents", "pn"),
    O(copy_library, "library", "p"), O(dlopen, "library", "p"), O(dlmopen, "library", "p"),
    O(unshare, "apart", "p"), O(clone, "apart", "p"), O(same_ids, "ids", "p"), O(spawn_arranged, "spawn", "fd"),
    END
};
