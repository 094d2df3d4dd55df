/* What a result looks like: nothing in it depends on where the tree lies, on inode numbers or on the clock. */
#include "player.h"

#include <ctype.h>
#include <stdarg.h>

void say(struct call *c, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (c->length < RESULT - 1) {
        int wrote = vsnprintf(c->result + c->length, RESULT - c->length, format, list);
        c->length += wrote > 0 ? (size_t)wrote : 0;
        if (c->length > RESULT - 1)
            c->length = RESULT - 1;
    }
    va_end(list);
}

void say_errno(struct call *c)
{
    const char *name = strerrorname_np(errno);
    say(c, "%s", name ? name : "E?");
}

static uint32_t hash(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t value = 0xcbf29ce484222325u;
    for (; length > 0; length--)
        value = (value ^ *at++) * 0x100000001b3u;
    return (uint32_t)(value ^ value >> 32);
}

void say_bytes(struct call *c, const void *bytes, size_t length)
{
    say(c, "%zu:%08x", length, hash(bytes, length));
}

/* The base of a side differs only in one letter and never in length, so only the prefix is replaced. */
void say_path(struct call *c, const char *path)
{
    char known[3][700];
    expand("@", known[0], sizeof known[0]);
    expand("^", known[1], sizeof known[1]);
    snprintf(known[2], sizeof known[2], "%.*s", (int)(strlen(known[0]) - strlen("/1/2/3/4/5/6/tree")), known[0]);
    if (path == NULL) {
        say(c, "NULL");
        return;
    }
    for (int at = 0; at < 3; at++) {
        size_t length = strlen(known[at]);
        if (strncmp(path, known[at], length) == 0 && (path[length] == '/' || path[length] == 0)) {
            say(c, "%c", "@^~"[at]);
            path += length;
            break;
        }
    }
    if (strlen(path) > 120) {
        say(c, "%.20s...", path);
        say_bytes(c, path, strlen(path));
        return;
    }
    for (; *path; path++)
        say(c, isgraph((unsigned char)*path) ? "%c" : "%%%02x", (unsigned char)*path);
}

/* Times that a script sets lie far away from the present; of all others only the order can be compared. */
void say_time(struct call *c, long seconds, long nanoseconds)
{
    if (seconds > 1700000000 && seconds < 4000000000)
        say(c, "now");
    else
        say(c, "%ld.%09ld", seconds, nanoseconds);
}

void say_number(struct call *c, long result)
{
    if (result == -1)
        say_errno(c);
    else
        say(c, "%ld", result);
}

/* For calls of which only the failure says something. Errno has to stay as it was when a call succeeds. */
void say_done(struct call *c, long result)
{
    if (result == -1) {
        say_errno(c);
        return;
    }
    int now = errno;
    say(c, "ok");
    if (now != 77)
        say(c, " (errno %s)", strerrorname_np(now));
}

/* A descriptor for reading has the content of when it was opened, in a workspace; a known difference. So no descriptor for
 * reading is kept of a file that is opened to be written, or cut. */
static void end_reading_of(const struct stat *written, int writer)
{
    struct stat read;
    for (int at = 0; at < SLOTS; at++)
        if (descriptor[at] != -1 && descriptor[at] != writer && fstat(descriptor[at], &read) == 0
            && read.st_ino == written->st_ino && (fcntl(descriptor[at], F_GETFL) & O_ACCMODE) == O_RDONLY) {
            close(descriptor[at]);
            descriptor[at] = -1;
        }
    for (int at = 0; at < SLOTS; at++)
        if (stream[at] && fileno(stream[at]) != writer && fstat(fileno(stream[at]), &read) == 0
            && read.st_ino == written->st_ino && (fcntl(fileno(stream[at]), F_GETFL) & O_ACCMODE) == O_RDONLY) {
            fclose(stream[at]);
            stream[at] = NULL;
        }
}
void end_reading(int writer)
{
    struct stat written;
    int why = errno;
    if (fstat(writer, &written) == 0 && S_ISREG(written.st_mode)
        && ((fcntl(writer, F_GETFL) & O_ACCMODE) != O_RDONLY || written.st_size == 0))
        end_reading_of(&written, writer);
    errno = why;
}
void end_reading_by_path(const char *path)
{
    struct stat written;
    int why = errno;
    if (at_random && stat(path, &written) == 0 && S_ISREG(written.st_mode))
        end_reading_of(&written, -1);
    errno = why;
}

void say_fd(struct call *c, int place, int fd)
{
    if (fd == -1)
        say_errno(c);
    else
        say(c, "fd %d", fd);
    if (fd != -1 && at_random)
        end_reading(fd);
    take_slot(slot(c, place), fd);
}

static char letter(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return 'f';
    case S_IFDIR: return 'd';
    case S_IFLNK: return 'l';
    case S_IFIFO: return 'p';
    case S_IFSOCK: return 's';
    case S_IFCHR: return 'c';
    case S_IFBLK: return 'b';
    }
    return '?';
}

void say_shape(struct call *c, const struct shape *shape)
{
    static dev_t device, other;
    char kind = letter(shape->mode);
    say(c, "%c %04o n%ju u%u g%u", kind, (unsigned)(shape->mode & 07777), (uintmax_t)shape->nlink, shape->uid, shape->gid);
    /* What a directory has is the file system's affair; but one that was removed has nothing any more. */
    if (kind != 'd' || shape->nlink == 0)
        say(c, " s%jd", (intmax_t)shape->size);
    if (kind == 'c' || kind == 'b')
        say(c, " r%jx", (uintmax_t)shape->special);
    if (device == 0) {
        struct stat top;
        char outside[700];
        expand("^", outside, sizeof outside);
        if (stat(root_path(), &top) == 0)
            device = top.st_dev;
        if (stat(outside, &top) == 0)
            other = top.st_dev;
    }
    /* Elsewhere are sockets and devices, whose times are nobody's. */
    if (shape->device != device && shape->device != other) {
        say(c, " elsewhere");
        return;
    }
    if (!skip_access_times && kind != 'd') {
        say(c, " a");
        say_time(c, shape->accessed.tv_sec, shape->accessed.tv_nsec);
    }
    say(c, " m");
    say_time(c, shape->modified.tv_sec, shape->modified.tv_nsec);
}
