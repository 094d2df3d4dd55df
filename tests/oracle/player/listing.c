/* Directory streams, and the functions that walk: scandir, glob, ftw. */
#include "player.h"

#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <sys/syscall.h>

#define NAMES 4096
static char *name_list[NAMES];
static size_t names;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}
static void add(const char *text)
{
    if (names < NAMES)
        name_list[names++] = strdup(text);
}
/* Streams of which some was read: in which order the rest comes, and what it is, is the file system's own. */
static char partly[SLOTS];
static void forget_names(void)
{
    for (size_t at = 0; at < names; at++)
        free(name_list[at]);
    names = 0;
}
static void say_rest(struct call *c)
{
    say(c, "%zu more", names);
    forget_names();
}
static void say_names(struct call *c)
{
    qsort(name_list, names, sizeof *name_list, by_text);
    say(c, "%zu", names);
    for (size_t at = 0; at < names; at++) {
        say(c, " ");
        say_path(c, name_list[at]);
        free(name_list[at]);
    }
    names = 0;
}
/* `type/name`, and `!` where the number in the entry is not the node's. */
static void add_entry(int above, const char *name, unsigned char type, ino_t inode)
{
    struct stat stat;
    char text[600];
    int odd = strcmp(name, "..") != 0 && fstatat(above, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && stat.st_ino != inode;
    snprintf(text, sizeof text, "%u/%s%s", type, name, odd ? "!" : "");
    add(text);
}

static void take_list(struct call *c, DIR *list)
{
    int place = slot(c, 0);
    if (list == NULL) {
        say_errno(c);
        return;
    }
    say(c, "directory %d", dirfd(list));
    if (directory[place])
        closedir(directory[place]);
    directory[place] = list;
    partly[place] = 0;
}
static void act_opendir(struct call *c) { take_list(c, opendir(path(c, 1))); }
static void act_fdopendir(struct call *c)
{
    int copy = fcntl(fd(c, 1), F_DUPFD_CLOEXEC, 3);
    DIR *list = fdopendir(copy);
    int why = errno;
    if (list == NULL && copy != -1)
        close(copy);
    errno = why;
    take_list(c, list);
}
static DIR *list(struct call *c)
{
    DIR *known = directory[slot(c, 0)];
    if (known == NULL)
        say(c, "none");
    return known;
}
static void say_all(struct call *c)
{
    if (partly[slot(c, 0)]) say_rest(c); else say_names(c);
}
#define READDIR(name, type) \
    static void act_##name(struct call *c) \
    { \
        DIR *known = list(c); \
        if (known == NULL) return; \
        struct type *entry; \
        while ((entry = name(known)) != NULL) add_entry(dirfd(known), entry->d_name, entry->d_type, entry->d_ino); \
        say_all(c); \
    }
READDIR(readdir, dirent) READDIR(readdir64, dirent64)
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void act_readdir_r(struct call *c)
{
    DIR *known = list(c);
    struct dirent room, *entry;
    if (known == NULL) return;
    while (readdir_r(known, &room, &entry) == 0 && entry != NULL) add_entry(dirfd(known), entry->d_name, entry->d_type, entry->d_ino);
    say_all(c);
}
static void act_readdir64_r(struct call *c)
{
    DIR *known = list(c);
    struct dirent64 room, *entry;
    if (known == NULL) return;
    while (readdir64_r(known, &room, &entry) == 0 && entry != NULL) add_entry(dirfd(known), entry->d_name, entry->d_type, entry->d_ino);
    say_all(c);
}
/* The order is the file system's own, so single entries are only counted. */
static void act_readdir_one(struct call *c)
{
    DIR *known = list(c);
    if (known == NULL) return;
    struct dirent *entry = readdir(known);
    say(c, entry ? "one" : "end");
    if (entry) partly[slot(c, 0)] = 1;
}
/* Reads some, remembers the place, reads the rest, goes back, reads the rest again. */
static void act_seekdir(struct call *c)
{
    DIR *known = list(c);
    struct dirent *entry;
    if (known == NULL) return;
    rewinddir(known);
    for (long skip = number(c, 1); skip > 0 && readdir(known); skip--)
        ;
    long place = telldir(known);
    char first[20000] = "", again[20000] = "";
    size_t left = 0;
    while ((entry = readdir(known)) != NULL && strlen(first) < 19000) { strcat(first, entry->d_name); strcat(first, "/"); left++; }
    seekdir(known, place);
    while ((entry = readdir(known)) != NULL && strlen(again) < 19000) { strcat(again, entry->d_name); strcat(again, "/"); }
    say(c, "%zu %s", left, strcmp(first, again) == 0 ? "as before" : "not as before");
}
static void act_rewinddir(struct call *c)
{
    DIR *known = list(c);
    if (known == NULL) return;
    rewinddir(known);
    partly[slot(c, 0)] = 0;
    say(c, "ok");
}
static void act_dirfd(struct call *c) { DIR *known = list(c); if (known) say_number(c, dirfd(known)); }
static void act_closedir(struct call *c)
{
    DIR *known = list(c);
    if (known == NULL) return;
    directory[slot(c, 0)] = NULL;
    say_done(c, closedir(known));
}
/* A directory is emptied while it is read, as `rm -rf` does. */
static void act_empty_while_reading(struct call *c)
{
    DIR *known = opendir(path(c, 0));
    struct dirent *entry;
    long gone = 0, left = 0;
    if (known == NULL) { say_errno(c); return; }
    while ((entry = readdir(known)) != NULL)
        if (entry->d_type != DT_DIR && unlinkat(dirfd(known), entry->d_name, 0) == 0) gone++;
    rewinddir(known);
    while ((entry = readdir(known)) != NULL)
        left++;
    closedir(known);
    say(c, "gone %ld left %ld", gone, left);
}
static void from_kernel(struct call *c, int raw)
{
    static char room[65536];
    int open_directory = open(path(c, 0), O_RDONLY | O_DIRECTORY);
    ssize_t got = -1;
    if (open_directory == -1) { say_errno(c); return; }
    while ((got = raw ? syscall(SYS_getdents64, open_directory, room, sizeof room) : getdents64(open_directory, room, sizeof room)) > 0)
        for (ssize_t at = 0; at < got; at += ((struct dirent64 *)(room + at))->d_reclen) {
            struct dirent64 *entry = (struct dirent64 *)(room + at);
            add_entry(open_directory, entry->d_name, entry->d_type, entry->d_ino);
        }
    if (got == -1) say_errno(c);
    close(open_directory);
    say_names(c);
}
static void act_getdents64(struct call *c) { from_kernel(c, 0); }
static void act_sys_getdents64(struct call *c) { from_kernel(c, 1); }

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }
static int visible64(const struct dirent64 *entry) { return entry->d_name[0] != '.'; }
#define SCAN(name, type, call_it) \
    static void act_##name(struct call *c) \
    { \
        struct type **found = NULL; \
        int count = call_it; \
        if (count == -1) { say_errno(c); return; } \
        say(c, "%d", count); \
        for (int at = 0; at < count; at++) { say(c, " %u/", found[at]->d_type); say_path(c, found[at]->d_name); free(found[at]); } \
        free(found); \
    }
SCAN(scandir, dirent, scandir(path(c, 0), &found, NULL, alphasort))
SCAN(scandir_visible, dirent, scandir(path(c, 0), &found, visible, alphasort))
SCAN(scandir64, dirent64, scandir64(path(c, 0), &found, visible64, alphasort64))
SCAN(scandirat, dirent, scandirat(dir_fd(c, 0), path(c, 1), &found, NULL, versionsort))
SCAN(scandirat64, dirent64, scandirat64(dir_fd(c, 0), path(c, 1), &found, NULL, alphasort64))

#define GLOB(name, type, release) \
    static void act_##name(struct call *c) \
    { \
        type found = { 0 }; \
        int result = name(path(c, 0), (int)number(c, 1), NULL, &found); \
        if (result != 0) { say(c, result == GLOB_NOMATCH ? "no match" : "failed %d", result); return; } \
        for (size_t at = 0; at < found.gl_pathc; at++) add(found.gl_pathv[at]); \
        say_names(c); \
        release(&found); \
    }
GLOB(glob, glob_t, globfree) GLOB(glob64, glob64_t, globfree64)

/* What both sides have in common of a whole name. */
static const char *below_base(const char *name)
{
    size_t length = strlen(root_path()) - strlen("/1/2/3/4/5/6/tree");
    return strncmp(name, root_path(), length) == 0 ? name + length : name;
}
/* Where symlinks are followed a directory is seen once, by the name that comes first: which that is, is the file system's own. So
 * nodes are told by their whole names. */
static int follows;
static const char *whole(const char *name, const struct stat *stat)
{
    static char above[9000], full[PATH_MAX + 300];
    if (!follows)
        return below_base(name);
    if (stat && S_ISDIR(stat->st_mode))
        return realpath(name, full) ? below_base(full) : name;
    snprintf(above, sizeof above, "%s", name);
    char *slash = strrchr(above, '/');
    if (slash == NULL)
        return name;
    *slash = 0;
    if (realpath(slash == above ? "/" : above, full) == NULL)
        return name;
    strncat(full, strrchr(name, '/'), 260);
    return below_base(full);
}
static int visit(const char *name, const struct stat *stat, int flag)
{
    char text[9000];
    /* Without a stat, what is there is left of another. */
    const struct stat *known = flag == FTW_NS ? NULL : stat;
    snprintf(text, sizeof text, "%d:%o:%s", flag, known ? known->st_mode & S_IFMT : 0, whole(name, known));
    add(text);
    return names >= NAMES - 1;
}
static int visit_more(const char *name, const struct stat *stat, int flag, struct FTW *place)
{
    char text[9000];
    if (follows)
        snprintf(text, sizeof text, "%d:%s", flag, whole(name, flag == FTW_NS ? NULL : stat));
    else
        snprintf(text, sizeof text, "%d:%d.%d:%s", flag, place->level, place->base, below_base(name));
    add(text);
    return names >= NAMES - 1;
}
static int visit64(const char *name, const struct stat64 *stat, int flag) { return visit(name, (const struct stat *)stat, flag); }
static int visit_more64(const char *name, const struct stat64 *stat, int flag, struct FTW *place)
{
    return visit_more(name, (const struct stat *)stat, flag, place);
}
/* A walk stops at the first error, and what it has met by then is a matter of the order, too; by chance there may be several. */
static void say_walk(struct call *c, int result)
{
    if (result != -1) { say_names(c); return; }
    if (at_random) say(c, "stopped"); else say_errno(c);
    forget_names();
}
#define WALK(name, follow, call_it) \
    static void act_##name(struct call *c) \
    { \
        follows = follow; \
        say_walk(c, call_it); \
    }
WALK(ftw, 1, ftw(path(c, 0), visit, 8))
WALK(ftw64, 1, ftw64(path(c, 0), visit64, 8))
WALK(nftw, !(number(c, 1) & FTW_PHYS), nftw(path(c, 0), visit_more, 8, (int)number(c, 1)))
WALK(nftw64, !(number(c, 1) & FTW_PHYS), nftw64(path(c, 0), visit_more64, 8, (int)number(c, 1)))

#define O(name, family, signature) { #name, family, signature, act_##name }
const struct operation listing[] = {
    O(opendir, "opendir", "Dp"), O(fdopendir, "fdopendir", "Df"), O(readdir, "readdir", "D"), O(readdir64, "readdir", "D"),
    O(readdir_r, "readdir", "D"), O(readdir64_r, "readdir", "D"), O(readdir_one, "readdir", "D"), O(seekdir, "seekdir", "Dz"),
    O(rewinddir, "rewinddir", "D"), O(dirfd, "dirfd", "D"), O(closedir, "closedir", "D"),
    O(empty_while_reading, "empty", "p"), O(getdents64, "getdents", "p"), O(sys_getdents64, "getdents", "p"),
    O(scandir, "scandir", "p"), O(scandir_visible, "scandir", "p"), O(scandir64, "scandir", "p"), O(scandirat, "scandir", "dp"),
    O(scandirat64, "scandir", "dp"), O(glob, "glob", "qB"), O(glob64, "glob", "qB"),
    O(ftw, "ftw", "p"), O(ftw64, "ftw", "p"), O(nftw, "ftw", "pW"), O(nftw64, "ftw", "pW"),
    END
};
