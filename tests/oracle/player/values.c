/* What the words of a script mean. */
#include "player.h"

#include <ctype.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/xattr.h>

static char base[512], root[600], outside[600];

void set_roots(const char *given)
{
    snprintf(base, sizeof base, "%s", given);
    snprintf(root, sizeof root, "%s/1/2/3/4/5/6/tree", given);
    snprintf(outside, sizeof outside, "%s/1/2/3/4/5/6/out", given);
}

const char *root_path(void)
{
    return root;
}

/* `@` is the tree's root and `^` the directory outside, at a word's beginning; %XX is a byte; {x*N} is x, N times;
 * '' is the empty word. NULL is no path, NOWHERE is an address where none can be. */
void expand(const char *word, char *text, size_t room)
{
    size_t at = 0;
    if (*word == '@' || *word == '^') {
        at = snprintf(text, room, "%s", *word == '@' ? root : outside);
        word++;
    }
    if (strcmp(word, "''") == 0)
        word += 2;
    while (*word && at + 1 < room) {
        char unit[64];
        unsigned byte;
        int times, used = 0;
        if (*word == '{' && sscanf(word, "{%63[^*}]*%d}%n", unit, &times, &used) == 2 && used > 0) {
            for (size_t length = strlen(unit); times > 0 && at + length < room; times--, at += length)
                memcpy(text + at, unit, length);
            word += used;
        } else if (*word == '%' && isxdigit((unsigned char)word[1]) && isxdigit((unsigned char)word[2])
                   && sscanf(word + 1, "%2x", &byte) == 1) {
            text[at++] = (char)byte;
            word += 3;
        } else {
            text[at++] = *word++;
        }
    }
    text[at] = 0;
}

static const char *word(struct call *c, int place)
{
    return place < c->count ? c->argument[place] : "";
}

char *path(struct call *c, int place)
{
    if (strcmp(word(c, place), "NULL") == 0)
        return NULL;
    if (strcmp(word(c, place), "NOWHERE") == 0)
        return (char *)-1;
    expand(word(c, place), c->expanded[place], TEXT);
    return c->expanded[place];
}

int slot(struct call *c, int place)
{
    return atoi(word(c, place)) % SLOTS;
}

int fd(struct call *c, int place)
{
    const char *text = word(c, place);
    if (strcmp(text, "cwd") == 0)
        return AT_FDCWD;
    if (strcmp(text, "bad") == 0)
        return -1;
    if (text[0] == 'S') { /* the descriptor of a stream */
        FILE *file = stream[atoi(text + 1) % SLOTS];
        return file ? fileno(file) : -1;
    }
    if (text[0] == 'D') { /* the descriptor of a directory stream */
        DIR *list = directory[atoi(text + 1) % SLOTS];
        return list ? dirfd(list) : -1;
    }
    return descriptor[slot(c, place)];
}

int dir_fd(struct call *c, int place)
{
    return fd(c, place);
}

static const struct { const char *name; long value; } symbols[] = {
    { "RDONLY", O_RDONLY }, { "WRONLY", O_WRONLY }, { "RDWR", O_RDWR }, { "CREAT", O_CREAT }, { "EXCL", O_EXCL },
    { "TRUNC", O_TRUNC }, { "APPEND", O_APPEND }, { "NONBLOCK", O_NONBLOCK }, { "DIRECTORY", O_DIRECTORY },
    { "NOFOLLOW", O_NOFOLLOW }, { "CLOEXEC", O_CLOEXEC }, { "PATH", O_PATH }, { "TMPFILE", O_TMPFILE },
    { "SYNC", O_SYNC }, { "DSYNC", O_DSYNC }, { "NOATIME", O_NOATIME }, { "NOCTTY", O_NOCTTY }, { "ACCMODE", 3 },
    { "ASYNC", O_ASYNC },
    { "F_OK", F_OK }, { "R_OK", R_OK }, { "W_OK", W_OK }, { "X_OK", X_OK },
    { "SYMLINK_NOFOLLOW", AT_SYMLINK_NOFOLLOW }, { "SYMLINK_FOLLOW", AT_SYMLINK_FOLLOW },
    { "REMOVEDIR", AT_REMOVEDIR }, { "EMPTY_PATH", AT_EMPTY_PATH }, { "EACCESS", AT_EACCESS },
    { "NO_AUTOMOUNT", AT_NO_AUTOMOUNT },
    { "NOREPLACE", RENAME_NOREPLACE }, { "EXCHANGE", RENAME_EXCHANGE }, { "WHITEOUT", RENAME_WHITEOUT },
    { "SET", SEEK_SET }, { "CUR", SEEK_CUR }, { "END", SEEK_END }, { "DATA", SEEK_DATA }, { "HOLE", SEEK_HOLE },
    { "REG", S_IFREG }, { "FIFO", S_IFIFO }, { "SOCK", S_IFSOCK }, { "CHR", S_IFCHR }, { "BLK", S_IFBLK },
    { "DIR", S_IFDIR },
    { "SH", LOCK_SH }, { "EX", LOCK_EX }, { "UN", LOCK_UN }, { "NB", LOCK_NB },
    { "RDLCK", F_RDLCK }, { "WRLCK", F_WRLCK }, { "UNLCK", F_UNLCK },
    { "XATTR_CREATE", XATTR_CREATE }, { "XATTR_REPLACE", XATTR_REPLACE },
    { "NAME_MAX", _PC_NAME_MAX }, { "PATH_MAX", _PC_PATH_MAX }, { "LINK_MAX", _PC_LINK_MAX },
    { "PIPE_BUF", _PC_PIPE_BUF }, { "NO_TRUNC", _PC_NO_TRUNC }, { "CHOWN_RESTRICTED", _PC_CHOWN_RESTRICTED },
    { "2_SYMLINKS", _PC_2_SYMLINKS }, { "FILESIZEBITS", _PC_FILESIZEBITS }, { "SYMLINK_MAX", _PC_SYMLINK_MAX },
    { "GLOB_MARK", GLOB_MARK }, { "GLOB_NOSORT", GLOB_NOSORT }, { "GLOB_BRACE", GLOB_BRACE },
    { "GLOB_PERIOD", GLOB_PERIOD }, { "GLOB_NOCHECK", GLOB_NOCHECK }, { "GLOB_ERR", GLOB_ERR },
    { "GLOB_ONLYDIR", GLOB_ONLYDIR }, { "GLOB_TILDE", GLOB_TILDE },
    { "FTW_PHYS", FTW_PHYS }, { "FTW_DEPTH", FTW_DEPTH }, { "FTW_CHDIR", FTW_CHDIR }, { "FTW_MOUNT", FTW_MOUNT },
    { "LOGICAL", FTS_LOGICAL }, { "PHYSICAL", FTS_PHYSICAL }, { "NOCHDIR", FTS_NOCHDIR }, { "NOSTAT", FTS_NOSTAT },
    { "SEEDOT", FTS_SEEDOT }, { "COMFOLLOW", FTS_COMFOLLOW }, { "KEEP_SIZE", FALLOC_FL_KEEP_SIZE }, { "PUNCH_HOLE", FALLOC_FL_PUNCH_HOLE },
    { "MS_SYNC", MS_SYNC }, { "BIG", 1L << 40 }, { "NONE", 0 },
};

/* A number (decimal, or octal behind a 0), or names of flags with `|` between them. */
long number(struct call *c, int place)
{
    const char *text = word(c, place);
    long value = 0;
    while (*text) {
        size_t length = strcspn(text, "|");
        size_t at = 0;
        while (at < COUNT(symbols)
               && (strncmp(symbols[at].name, text, length) != 0 || symbols[at].name[length] != 0))
            at++;
        if (at < COUNT(symbols)) {
            value |= symbols[at].value;
        } else if (isdigit((unsigned char)*text) || *text == '-') {
            value |= strtol(text, NULL, 0);
        } else {
            fprintf(stderr, "player: '%s' is no number\n", text);
            exit(99);
        }
        text += length + (text[length] == '|');
    }
    return value;
}

/* `#SEED:LENGTH` are made-up bytes; everything else is itself. */
const char *bytes(struct call *c, int place, size_t *length)
{
    static char made[1 << 20];
    unsigned seed, size;
    if (sscanf(word(c, place), "#%u:%u", &seed, &size) == 2 && size <= sizeof made) {
        for (unsigned at = 0; at < size; at++) {
            seed = seed * 1664525u + 1013904223u;
            made[at] = (char)(seed >> 24);
        }
        *length = size;
        return made;
    }
    expand(word(c, place), c->expanded[place], TEXT);
    *length = strlen(c->expanded[place]);
    return c->expanded[place];
}

/* `now`, `omit`, or SECONDS.NANOSECONDS. */
void moment(struct call *c, int place, struct timespec *time)
{
    const char *text = word(c, place);
    char *rest;
    *time = (struct timespec){ 0, 0 };
    if (strcmp(text, "now") == 0) {
        time->tv_nsec = UTIME_NOW;
    } else if (strcmp(text, "omit") == 0) {
        time->tv_nsec = UTIME_OMIT;
    } else {
        time->tv_sec = strtol(text, &rest, 10);
        if (*rest == '.')
            time->tv_nsec = strtol(rest + 1, NULL, 10);
    }
}
