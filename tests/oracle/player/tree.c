/* The whole tree as one line, and which nodes a call has touched. */
#include "player.h"

#include <sys/xattr.h>

struct seen {
    char *name;
    struct stat stat;
    struct statx_timestamp born; /* a number may be used again at once */
};

static struct seen *list, *before;
static size_t count, room, count_before;

static void forget(struct seen *all, size_t number)
{
    for (size_t at = 0; at < number; at++)
        free(all[at].name);
    free(all);
}

static void walk(const char *top)
{
    struct stat stat;
    if (lstat(top, &stat) != 0)
        return;
    if (count == room) {
        room = room ? room * 2 : 256;
        list = realloc(list, room * sizeof *list);
    }
    struct statx more = { 0 };
    if (statx(AT_FDCWD, top, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &more) != 0 || !(more.stx_mask & STATX_BTIME))
        memset(&more, 0, sizeof more);
    list[count++] = (struct seen){ strdup(top), stat, more.stx_btime };
    if (!S_ISDIR(stat.st_mode) || strlen(top) > 3900)
        return;
    DIR *open = opendir(top);
    if (open == NULL)
        return;
    /* Names first, then the way down: a deep tree must not need as many descriptors as it is deep. */
    char **names = NULL;
    size_t number = 0;
    for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        names = realloc(names, (number + 1) * sizeof *names);
        names[number++] = strdup(entry->d_name);
    }
    closedir(open);
    for (size_t at = 0; at < number; at++) {
        char below[8192];
        snprintf(below, sizeof below, "%s/%s", top, names[at]);
        walk(below);
        free(names[at]);
    }
    free(names);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct seen *)a)->name, ((const struct seen *)b)->name);
}

static void look(const char *top)
{
    list = NULL;
    count = room = 0;
    walk(top);
    if (count > 0)
        qsort(list, count, sizeof *list, by_name);
}

static void say_content(struct call *c, const char *name)
{
    static char content[1 << 20];
    int open_file = open(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (open_file == -1) {
        say(c, " ");
        say_errno(c);
        return;
    }
    ssize_t length = read(open_file, content, sizeof content);
    say(c, " h");
    if (length == -1)
        say_errno(c);
    else
        say_bytes(c, content, (size_t)length);
    close(open_file);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void say_attributes(struct call *c, const char *name)
{
    char names[4096], value[4096], *sorted[64];
    size_t number = 0;
    ssize_t length = llistxattr(name, names, sizeof names);
    for (char *at = names; length > 0 && at < names + length && number < COUNT(sorted); at += strlen(at) + 1)
        if (strncmp(at, "user.", 5) == 0)
            sorted[number++] = at;
    qsort(sorted, number, sizeof *sorted, by_text);
    for (size_t at = 0; at < number; at++) {
        ssize_t size = lgetxattr(name, sorted[at], value, sizeof value);
        say(c, " x%s=", sorted[at]);
        if (size == -1)
            say_errno(c);
        else
            say_bytes(c, value, (size_t)size);
    }
}

void say_tree(struct call *c, const char *top)
{
    look(top);
    say(c, "%zu", count);
    for (size_t at = 0; at < count; at++) {
        const struct stat *stat = &list[at].stat;
        struct shape shape = { stat->st_mode, stat->st_nlink, stat->st_uid, stat->st_gid, stat->st_size, list[0].stat.st_dev,
                               stat->st_rdev, stat->st_ino, stat->st_atim, stat->st_mtim };
        say(c, "; ");
        /* Relative to the top, so that a copy elsewhere can be compared. */
        say_path(c, list[at].name[strlen(top)] ? list[at].name + strlen(top) + 1 : ".");
        say(c, " ");
        int skipped = skip_access_times;
        skip_access_times = 1;
        say_shape(c, &shape);
        skip_access_times = skipped;
        /* Names of one node are told by the first of them. */
        if (!S_ISDIR(stat->st_mode) && stat->st_nlink > 1)
            for (size_t other = 0; other < at; other++)
                if (list[other].stat.st_ino == stat->st_ino && list[other].stat.st_dev == stat->st_dev) {
                    say(c, " =");
                    say_path(c, list[other].name + strlen(top) + 1);
                    break;
                }
        if (S_ISLNK(stat->st_mode)) {
            char target[8192];
            ssize_t length = readlink(list[at].name, target, sizeof target - 1);
            target[length > 0 ? length : 0] = 0;
            say(c, " -> ");
            say_path(c, target);
        }
        if (S_ISREG(stat->st_mode))
            say_content(c, list[at].name);
        if (S_ISREG(stat->st_mode) || S_ISDIR(stat->st_mode))
            say_attributes(c, list[at].name);
    }
    forget(list, count);
}

/* Lets the clock that stamps files go on. On a busy machine it may stand still for longer than a tick. */
void let_time_pass(void)
{
    struct timespec before, now;
    clock_gettime(CLOCK_REALTIME_COARSE, &before);
    do {
        struct timespec wait = { 0, 12000000 };
        while (nanosleep(&wait, &wait) != 0)
            ;
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    } while (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec);
}

void remember_tree(void)
{
    look(root_path());
    before = list;
    count_before = count;
    let_time_pass();
}

static int same(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static int later(struct timespec a, struct timespec b)
{
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* Of every name that was there before and is there now: whether it is another node, and which of its times have changed
 * (`<` where one went back, and `c!=m` where both are new and differ). */
void say_touched(struct call *c)
{
    look(root_path());
    say(c, " |");
    for (size_t at = 0; at < count; at++) {
        struct seen *old = count_before ? bsearch(&list[at], before, count_before, sizeof *before, by_name) : NULL;
        const struct stat *now = &list[at].stat;
        char marks[32] = "";
        if (old == NULL) {
            strcat(marks, "new");
        } else if (old->stat.st_ino != now->st_ino || old->born.tv_sec != list[at].born.tv_sec
                   || old->born.tv_nsec != list[at].born.tv_nsec) {
            strcat(marks, "other");
        } else {
            if (!same(old->stat.st_mtim, now->st_mtim))
                strcat(marks, later(now->st_mtim, old->stat.st_mtim) ? "m" : "m<");
            if (!same(old->stat.st_ctim, now->st_ctim))
                strcat(marks, later(now->st_ctim, old->stat.st_ctim) ? "c" : "c<");
        }
        if (marks[0]) {
            say(c, " ");
            say_path(c, list[at].name);
            say(c, ":%s", marks);
        }
    }
    forget(list, count);
    forget(before, count_before);
    before = NULL;
    count_before = 0;
}
