/* Calls that give a descriptor or a stream, and what is done with one. */
#include "player.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

int __open_2(const char *, int);
int __open64_2(const char *, int);
int __openat_2(int, const char *, int);
int __openat64_2(int, const char *, int);

#define OPEN(name) \
    static void act_##name(struct call *c) { say_fd(c, 0, name(path(c, 1), (int)number(c, 2), (mode_t)number(c, 3))); }
#define OPENAT(name) \
    static void act_##name(struct call *c) { say_fd(c, 0, name(dir_fd(c, 1), path(c, 2), (int)number(c, 3), (mode_t)number(c, 4))); }
#define OPEN_2(name) \
    static void act_##name(struct call *c) { say_fd(c, 0, name(path(c, 1), (int)number(c, 2))); }
#define OPENAT_2(name) \
    static void act_##name(struct call *c) { say_fd(c, 0, name(dir_fd(c, 1), path(c, 2), (int)number(c, 3))); }
#define CREAT(name) \
    static void act_##name(struct call *c) { say_fd(c, 0, name(path(c, 1), (mode_t)number(c, 2))); }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64) OPEN_2(__open_2) OPEN_2(__open64_2) OPENAT_2(__openat_2)
OPENAT_2(__openat64_2) CREAT(creat) CREAT(creat64)

static void act_sys_open(struct call *c)
{
    say_fd(c, 0, (int)syscall(SYS_open, path(c, 1), (int)number(c, 2), (mode_t)number(c, 3)));
}
static void act_sys_openat(struct call *c)
{
    say_fd(c, 0, (int)syscall(SYS_openat, dir_fd(c, 1), path(c, 2), (int)number(c, 3), (mode_t)number(c, 4)));
}
static void act_sys_openat2(struct call *c)
{
    struct { uint64_t flags, mode, resolve; } how = { (uint64_t)number(c, 3), (uint64_t)number(c, 4), 0 };
    if (!(how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
        how.mode = 0;
    say_fd(c, 0, (int)syscall(OPENAT2, dir_fd(c, 1), path(c, 2), &how, sizeof how));
}
static void act_proc_open(struct call *c)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd(c, 1));
    say_fd(c, 0, open(name, (int)number(c, 2)));
}

/* Streams. */
static void take_stream(struct call *c, FILE *file)
{
    int place = slot(c, 0);
    if (file == NULL) {
        say_errno(c);
        return;
    }
    if (at_random)
        end_reading(fileno(file));
    say(c, "stream %d", fileno(file));
    if (stream[place] && stream[place] != file)
        fclose(stream[place]);
    stream[place] = file;
}
static void act_fopen(struct call *c) { take_stream(c, fopen(path(c, 1), path(c, 2))); }
static void act_fopen64(struct call *c) { take_stream(c, fopen64(path(c, 1), path(c, 2))); }
static void act_fdopen(struct call *c)
{
    int copy = dup(fd(c, 1));
    FILE *file = fdopen(copy, path(c, 2));
    if (file == NULL && copy != -1)
        close(copy);
    take_stream(c, file);
}
#define FREOPEN(name) \
    static void act_##name(struct call *c) \
    { \
        int place = slot(c, 0); \
        if (stream[place] == NULL) { say(c, "none"); return; } \
        FILE *file = name(path(c, 1), path(c, 2), stream[place]); \
        stream[place] = NULL; \
        take_stream(c, file); \
    }
FREOPEN(freopen) FREOPEN(freopen64)
static FILE *file(struct call *c)
{
    FILE *known = stream[slot(c, 0)];
    if (known == NULL)
        say(c, "none");
    return known;
}
static void act_fclose(struct call *c)
{
    FILE *known = file(c);
    if (known) {
        stream[slot(c, 0)] = NULL;
        int result = fclose(known);
        if (result == 0) say(c, "ok"); else say_errno(c);
    }
}
/* What is written to a named pipe does not touch its times in a workspace: a known difference. */
static int is_pipe(struct call *c, int given)
{
    struct stat stat;
    if (!at_random || fstat(given, &stat) != 0 || !S_ISFIFO(stat.st_mode))
        return 0;
    say(c, "left out");
    return 1;
}
static void act_fwrite(struct call *c)
{
    FILE *known = file(c);
    size_t length;
    const char *text = bytes(c, 1, &length);
    if (known && !is_pipe(c, fileno(known)))
        say(c, "%zu", fwrite(text, 1, length, known));
}
static void act_fflush(struct call *c)
{
    FILE *known = file(c);
    if (known) {
        int result = fflush(known);
        if (result == 0) say(c, "ok"); else say_errno(c);
    }
}
static void act_fread(struct call *c)
{
    static char content[1 << 16];
    FILE *known = file(c);
    if (known) {
        long length = number(c, 1);
        size_t got = fread(content, 1, length < (long)sizeof content ? (size_t)length : sizeof content, known);
        say_bytes(c, content, got);
        say(c, ferror(known) ? " error" : feof(known) ? " end" : "");
        clearerr(known);
    }
}
static void act_fseek(struct call *c)
{
    FILE *known = file(c);
    struct stat stat;
    if (known && at_random && fstat(fileno(known), &stat) == 0 && S_ISDIR(stat.st_mode))
        say(c, "left out"); /* places in a directory are the file system's own */
    else if (known)
        say_number(c, fseeko(known, number(c, 1), (int)number(c, 2)));
}
static void act_ftell(struct call *c)
{
    FILE *known = file(c);
    if (known)
        say_number(c, ftello(known));
}

/* Descriptors: their life. */
static void act_close(struct call *c)
{
    int place = slot(c, 0), result = close(descriptor[place]);
    descriptor[place] = -1;
    say_done(c, result);
}
static void act_dup(struct call *c) { say_fd(c, 0, dup(fd(c, 1))); }
/* What a directory's stream says whose descriptor is another now is nobody's business. */
static int breaks_list(struct call *c)
{
    if (!at_random || c->count < 2 || c->argument[1][0] != 'D')
        return 0;
    say(c, "left out");
    return 1;
}
static void act_dup2(struct call *c) { if (!breaks_list(c)) say_number(c, dup2(fd(c, 0), fd(c, 1))); }
static void act_dup3(struct call *c) { if (!breaks_list(c)) say_number(c, dup3(fd(c, 0), fd(c, 1), O_CLOEXEC)); }
static void act_fcntl_dupfd(struct call *c) { say_fd(c, 0, fcntl(fd(c, 1), F_DUPFD, 40)); }
static void act_fcntl_dupfd_cloexec(struct call *c) { say_fd(c, 0, fcntl(fd(c, 1), F_DUPFD_CLOEXEC, 3)); }
static void act_close_range(struct call *c)
{
    int one = fd(c, 0);
    if (one < 3) {
        say(c, "none");
        return;
    }
    say_done(c, close_range((unsigned)one, (unsigned)one, 0));
    descriptor[slot(c, 0)] = -1;
}
static void act_closefrom(struct call *c)
{
    closefrom(3);
    for (int at = 0; at < SLOTS; at++) {
        descriptor[at] = -1;
        stream[at] = NULL; /* and leaked: closing it would fail */
        directory[at] = NULL;
    }
    say(c, "ok");
}
static void act_fcntl_getfl(struct call *c)
{
    int flags = fcntl(fd(c, 0), F_GETFL);
    if (flags == -1)
        say_errno(c);
    else
        say(c, "%#o", flags & ~(O_NOATIME | O_NOFOLLOW));
}
static void act_fcntl_getfd(struct call *c) { say_number(c, fcntl(fd(c, 0), F_GETFD)); }
static void act_fcntl_setfl(struct call *c) { say_done(c, fcntl(fd(c, 0), F_SETFL, (int)number(c, 1))); }

/* Descriptors: content. */
static char buffer[1 << 20];
static size_t within(long length) { return length < 0 ? 0 : length < (long)sizeof buffer ? (size_t)length : sizeof buffer; }
static void say_read(struct call *c, ssize_t got)
{
    if (got == -1) say_errno(c); else say_bytes(c, buffer, (size_t)got);
}
static void act_read(struct call *c) { say_read(c, read(fd(c, 0), buffer, within(number(c, 1)))); }
static void act_pread(struct call *c) { say_read(c, pread(fd(c, 0), buffer, within(number(c, 1)), number(c, 2))); }
static void act_pread64(struct call *c) { say_read(c, pread64(fd(c, 0), buffer, within(number(c, 1)), number(c, 2))); }
static void act_write(struct call *c)
{
    size_t length;
    const char *text = bytes(c, 1, &length);
    if (!is_pipe(c, fd(c, 0)))
        say_number(c, write(fd(c, 0), text, length));
}
static void act_pwrite(struct call *c)
{
    size_t length;
    const char *text = bytes(c, 1, &length);
    say_number(c, pwrite(fd(c, 0), text, length, number(c, 2)));
}
static void act_pwrite64(struct call *c)
{
    size_t length;
    const char *text = bytes(c, 1, &length);
    say_number(c, pwrite64(fd(c, 0), text, length, number(c, 2)));
}
static void act_writev(struct call *c)
{
    size_t length;
    const char *text = bytes(c, 1, &length);
    struct iovec parts[2] = { { (void *)text, length }, { "tail", 4 } };
    if (!is_pipe(c, fd(c, 0)))
        say_number(c, writev(fd(c, 0), parts, 2));
}
/* Whether a file has only zeros in a part, as far as it can be read. */
static int is_zeros(int file, off_t from, off_t until)
{
    while (from < until) {
        ssize_t got = pread(file, buffer, within(until - from), from);
        if (got <= 0)
            return 1;
        for (ssize_t at = 0; at < got; at++)
            if (buffer[at])
                return 0;
        from += got;
    }
    return 1;
}
/* Which blocks of a file are there, a file system may tell as it pleases, as long as what it calls no data is zeros and the end is a
 * hole. */
static void say_blocks(struct call *c, const struct stat *stat, off_t from, int whence, off_t result)
{
    int given = fd(c, 0), nothing = result == -1 && errno == ENXIO;
    if (result == -1 && !(nothing && from >= 0 && from < stat->st_size)) { say_errno(c); return; }
    int sane = nothing ? whence == SEEK_DATA && is_zeros(given, from, stat->st_size) : result >= from && result <= stat->st_size;
    if (sane && !nothing && whence == SEEK_DATA)
        sane = result < stat->st_size && is_zeros(given, from, result);
    say(c, sane ? "as may be" : "%jd of %jd", (intmax_t)result, (intmax_t)stat->st_size);
}
/* What a place in a directory means is the file system's own: it stays where it was, if it is not the beginning. */
static void seek(struct call *c, off_t (*call_it)(int, off_t, int))
{
    struct stat stat;
    int given = fd(c, 0), whence = (int)number(c, 2), is_node = fstat(given, &stat) == 0;
    int is_directory = is_node && S_ISDIR(stat.st_mode);
    int blocks = is_node && S_ISREG(stat.st_mode) && (whence == SEEK_DATA || whence == SEEK_HOLE);
    off_t before = is_directory || blocks ? lseek(given, 0, SEEK_CUR) : 0;
    errno = 77;
    off_t result = call_it(given, number(c, 1), whence);
    if (blocks) say_blocks(c, &stat, number(c, 1), whence, result); else say_number(c, result);
    if (is_directory)
        say(c, " in a directory");
    if (blocks || (is_directory && result != 0))
        lseek(given, before, SEEK_SET);
}
static void act_lseek_exactly(struct call *c) { say_number(c, lseek(fd(c, 0), number(c, 1), (int)number(c, 2))); }
static void act_lseek(struct call *c) { seek(c, lseek); }
static void act_lseek64(struct call *c) { seek(c, lseek64); }
static void act_ftruncate(struct call *c) { say_done(c, ftruncate(fd(c, 0), number(c, 1))); }
static void act_ftruncate64(struct call *c) { say_done(c, ftruncate64(fd(c, 0), number(c, 1))); }
static void act_fallocate(struct call *c) { say_done(c, fallocate(fd(c, 0), (int)number(c, 1), number(c, 2), number(c, 3))); }
static void act_posix_fallocate(struct call *c)
{
    int result = posix_fallocate(fd(c, 0), number(c, 1), number(c, 2));
    say(c, "%s", result ? strerrorname_np(result) : "ok");
}
static void act_fsync(struct call *c) { say_done(c, fsync(fd(c, 0))); }
static void act_fdatasync(struct call *c) { say_done(c, fdatasync(fd(c, 0))); }
static void act_sendfile(struct call *c) { if (!is_pipe(c, fd(c, 0))) say_number(c, sendfile(fd(c, 0), fd(c, 1), NULL, within(number(c, 2)))); }
static void act_copy_file_range(struct call *c)
{
    say_number(c, copy_file_range(fd(c, 1), NULL, fd(c, 0), NULL, within(number(c, 2)), 0));
}
/* A mapping is only touched where the file is, since all else is a signal. */
static void act_mmap_write(struct call *c)
{
    struct stat stat;
    size_t length;
    const char *text = bytes(c, 1, &length);
    if (fstat(fd(c, 0), &stat) != 0) { say_errno(c); return; }
    if (!S_ISREG(stat.st_mode) || stat.st_size == 0) { say(c, "none"); return; }
    size_t size = within(stat.st_size);
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd(c, 0), 0);
    if (map == MAP_FAILED) { say_errno(c); return; }
    memcpy(map, text, length < size ? length : size);
    say_done(c, msync(map, size, MS_SYNC));
    munmap(map, size);
}
static void act_mmap_read(struct call *c)
{
    struct stat stat;
    if (fstat(fd(c, 0), &stat) != 0) { say_errno(c); return; }
    if (!S_ISREG(stat.st_mode) || stat.st_size == 0) { say(c, "none"); return; }
    size_t size = within(stat.st_size);
    char *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd(c, 0), 0);
    if (map == MAP_FAILED) { say_errno(c); return; }
    say_bytes(c, map, size);
    munmap(map, size);
}
/* The mapping outlives its descriptor: the write comes after the close. */
static void act_mmap_close_write(struct call *c)
{
    struct stat stat;
    size_t length;
    const char *text = bytes(c, 1, &length);
    if (fstat(fd(c, 0), &stat) != 0) { say_errno(c); return; }
    if (!S_ISREG(stat.st_mode) || stat.st_size == 0) { say(c, "none"); return; }
    size_t size = within(stat.st_size);
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd(c, 0), 0);
    if (map == MAP_FAILED) { say_errno(c); return; }
    act_close(c);
    memcpy(map, text, length < size ? length : size);
    msync(map, size, MS_SYNC);
    munmap(map, size);
}

/* Locks: always without waiting. */
static void act_flock(struct call *c) { say_done(c, flock(fd(c, 0), (int)number(c, 1) | LOCK_NB)); }
static void lock(struct call *c, int command)
{
    struct flock lock = { .l_type = (short)number(c, 1), .l_whence = SEEK_SET, .l_start = number(c, 2), .l_len = number(c, 3) };
    has_locked = 1;
    say_done(c, fcntl(fd(c, 0), command, &lock));
}
static void act_fcntl_setlk(struct call *c) { lock(c, F_SETLK); }
static void act_fcntl_ofd_setlk(struct call *c) { lock(c, F_OFD_SETLK); }
static void act_lockf(struct call *c) { has_locked = 1; say_done(c, lockf(fd(c, 0), F_TLOCK, number(c, 1))); }
static void act_getlk(struct call *c)
{
    struct flock lock = { .l_type = (short)number(c, 1), .l_whence = SEEK_SET };
    int result = fcntl(fd(c, 0), F_OFD_GETLK, &lock);
    if (result == -1) say_errno(c); else say(c, "type %d", lock.l_type);
}
static void act_rlimit_nofile(struct call *c)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)number(c, 0);
    say_done(c, setrlimit(RLIMIT_NOFILE, &limit));
}

#define O(name, family, signature) { #name, family, signature, act_##name }
const struct operation opening[] = {
    O(open, "open", "npom"), O(open64, "open", "npom"), O(openat, "open", "ndpom"), O(openat64, "open", "ndpom"),
    O(__open_2, "open", "npO"), O(__open64_2, "open", "npO"), O(__openat_2, "open", "ndpO"), O(__openat64_2, "open", "ndpO"),
    O(creat, "open", "npm"), O(creat64, "open", "npm"), O(sys_open, "open", "npom"), O(sys_openat, "open", "ndpom"),
    O(sys_openat2, "open", "ndpom"), O(proc_open, "open-again", "nfO"),
    O(fopen, "fopen", "FpM"), O(fopen64, "fopen", "FpM"), O(fdopen, "fdopen", "FfM"),
    O(freopen, "freopen", "FpM"), O(freopen64, "freopen", "FpM"), O(fclose, "fclose", "F"),
    O(fwrite, "stream", "Fb"), O(fflush, "stream", "F"), O(fread, "stream", "Fz"), O(fseek, "stream", "Fzw"), O(ftell, "stream", "F"),
    O(close, "close", "f"), O(close_range, "close", "f"), O(closefrom, "closefrom", ""),
    O(dup, "dup", "nf"), O(dup2, "dup", "ff"), O(dup3, "dup", "ff"), O(fcntl_dupfd, "dup", "nf"), O(fcntl_dupfd_cloexec, "dup", "nf"),
    O(fcntl_getfl, "fcntl", "f"), O(fcntl_getfd, "fcntl", "f"), O(fcntl_setfl, "fcntl-set", "fL"),
    O(read, "read", "fz"), O(pread, "read", "fzz"), O(pread64, "read", "fzz"), O(mmap_read, "read", "f"),
    O(write, "write", "fb"), O(pwrite, "write", "fbz"), O(pwrite64, "write", "fbz"), O(writev, "write", "fb"),
    O(mmap_write, "write", "fb"), O(mmap_close_write, "write", "fb"), O(sendfile, "write", "ffz"), O(copy_file_range, "write", "ffz"),
    O(lseek, "lseek", "fzw"), O(lseek64, "lseek", "fzw"), O(lseek_exactly, "set-up", "fzw"),
    O(ftruncate, "ftruncate", "fz"), O(ftruncate64, "ftruncate", "fz"), O(fallocate, "fallocate", "f0zz"),
    O(posix_fallocate, "fallocate", "fzz"), O(fsync, "fsync", "f"), O(fdatasync, "fsync", "f"),
    O(flock, "lock", "fK"), O(fcntl_setlk, "lock", "fQzz"), O(fcntl_ofd_setlk, "lock", "fQzz"), O(lockf, "lock", "fz"),
    O(getlk, "lock", "fQ"), O(rlimit_nofile, "set-up", ""),
    END
};
