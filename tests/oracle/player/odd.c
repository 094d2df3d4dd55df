/* What belongs to no family: sockets with names, watches, handles, and the operations of the harness itself. */
#include "player.h"

#include <mntent.h>
#include <sys/inotify.h>
#include <sys/un.h>

static void act_socket(struct call *c) { say_fd(c, 0, socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }
static void act_socket_dgram(struct call *c) { say_fd(c, 0, socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)); }
socklen_t address(struct call *c, int place, struct sockaddr_un *name)
{
    const char *given = path(c, place);
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    strncpy(name->sun_path, given ? given : "", sizeof name->sun_path);
    return sizeof *name;
}
static void act_bind(struct call *c)
{
    struct sockaddr_un name;
    socklen_t length = address(c, 1, &name);
    say_done(c, bind(fd(c, 0), (struct sockaddr *)&name, length));
}
static void act_connect(struct call *c)
{
    struct sockaddr_un name;
    socklen_t length = address(c, 1, &name);
    say_done(c, connect(fd(c, 0), (struct sockaddr *)&name, length));
}
static void act_sendto(struct call *c)
{
    struct sockaddr_un name;
    socklen_t length = address(c, 1, &name);
    say_number(c, sendto(fd(c, 0), "hello", 5, 0, (struct sockaddr *)&name, length));
}
static void act_recv(struct call *c)
{
    char got[64];
    say_number(c, recv(fd(c, 0), got, sizeof got, MSG_DONTWAIT));
}
static void act_listen(struct call *c) { say_done(c, listen(fd(c, 0), 4)); }
static void act_accept(struct call *c) { say_fd(c, 0, accept(fd(c, 1), NULL, NULL)); }
static void act_getsockname(struct call *c)
{
    struct sockaddr_un name;
    socklen_t length = sizeof name;
    memset(&name, 0, sizeof name);
    if (getsockname(fd(c, 0), (struct sockaddr *)&name, &length) == -1) { say_errno(c); return; }
    char text[sizeof name.sun_path + 1] = "";
    memcpy(text, name.sun_path, sizeof name.sun_path);
    say_path(c, text);
}
/* A descriptor goes through a socket; what comes out stands for the same file. */
static void act_pass(struct call *c)
{
    int ends[2], sent = fd(c, 1);
    char room[CMSG_SPACE(sizeof sent)], byte = 'x';
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) { say_errno(c); return; }
    /* Of what was opened with O_PATH nobody can say any more which of several files with that content it was; nor of what was
     * opened to be written when it had no name any more. */
    struct stat stat;
    int flags = fcntl(sent, F_GETFL), is_lost = flags != -1 && fstat(sent, &stat) == 0 && ((flags & O_PATH) || stat.st_nlink == 0);
    if (at_random && is_lost) { close(ends[0]); close(ends[1]); say(c, "left out"); return; }
    memset(room, 0, sizeof room);
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    *control = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof sent), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(control), &sent, sizeof sent);
    int got = -1;
    if (sendmsg(ends[0], &message, 0) == 1 && recvmsg(ends[1], &message, 0) == 1 && CMSG_FIRSTHDR(&message))
        memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
    int why = errno;
    close(ends[0]);
    close(ends[1]);
    errno = why;
    say_fd(c, 0, got);
}
static void act_inotify_add_watch(struct call *c)
{
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int result = inotify_add_watch(watch, path(c, 0), IN_ALL_EVENTS);
    if (result == -1) say_errno(c); else say(c, "ok");
    close(watch);
}
static void act_name_to_handle_at(struct call *c)
{
    struct { struct file_handle head; unsigned char rest[128]; } handle = { { .handle_bytes = 128 }, { 0 } };
    int mount;
    int result = name_to_handle_at(dir_fd(c, 0), path(c, 1), &handle.head, &mount, 0);
    if (result == -1) say_errno(c); else say(c, "ok");
}
static void act_setmntent(struct call *c)
{
    FILE *file = setmntent(path(c, 0), "r");
    if (file == NULL) { say_errno(c); return; }
    say(c, "ok");
    endmntent(file);
}
static void act_tree(struct call *c) { say_tree(c, c->count ? path(c, 0) : root_path()); }
static void act_pause(struct call *c)
{
    let_time_pass();
    say(c, "ok");
}
/* Ends at once, with everything open, by a signal or otherwise. */
static void act_exit_now(struct call *c) { _exit((int)number(c, 0)); }

#define O(name, family, signature) { #name, family, signature, act_##name }
const struct operation odd[] = {
    O(socket, "socket", "n"), O(socket_dgram, "socket", "n"), O(bind, "bind", "fp"), O(connect, "connect", "fp"), O(sendto, "connect", "fp"),
    O(recv, "socket", "f"), O(listen, "socket", "f"), O(accept, "socket", "nf"), O(getsockname, "getsockname", "f"), O(pass, "pass", "nf"),
    O(inotify_add_watch, "inotify", "p"), O(name_to_handle_at, "handle", "dp"), O(setmntent, "setmntent", "p"),
    O(tree, "tree", ""), O(pause, "pause", ""), O(exit_now, "set-up", ""),
    END
};
