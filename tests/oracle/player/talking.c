/* Sockets that speak with each other by names. */
#include "player.h"

#include <limits.h>
#include <stddef.h>
#include <sys/un.h>

int __connect(int, const struct sockaddr *, socklen_t);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);

static void say_step(struct call *c, int result)
{
    say(c, " ");
    if (result == -1) say_errno(c); else say(c, "%d", result);
}
/* What is bound outside by a way through the tree has its whole name: a known difference. */
static int leads_out(struct call *c, int place)
{
    char way[TEXT], full[PATH_MAX + 1];
    snprintf(way, sizeof way, "%s", path(c, place));
    char *slash = strrchr(way, '/');
    if (slash) *slash = 0; else strcpy(way, ".");
    return at_random && realpath(*way ? way : "/", full) && strncmp(full, root_path(), strlen(root_path())) != 0;
}
static void say_address(struct call *c, const struct sockaddr_un *name, socklen_t length)
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    char text[sizeof name->sun_path + 1] = "";
    if (length > head && length <= sizeof *name) memcpy(text, name->sun_path, length - head);
    say(c, " ");
    say_path(c, text);
    /* A whole name is longer on one side than on the other. */
    if (text[0] != '/') say(c, ".%d", (int)length - (int)head);
}
static void act_talk(struct call *c)
{
    struct sockaddr_un name;
    socklen_t length = address(c, 0, &name);
    if (leads_out(c, 0)) { say(c, "left out"); return; }
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    say_step(c, bind(server, (struct sockaddr *)&name, length));
    say_step(c, listen(server, 3));
    length = address(c, 1, &name);
    say_step(c, number(c, 2) & 1 ? connect(client, (struct sockaddr *)&name, length) : __connect(client, (struct sockaddr *)&name, length));
    memset(&name, 0, sizeof name);
    length = sizeof name;
    int taken = accept4(server, (struct sockaddr *)&name, &length, SOCK_CLOEXEC);
    if (taken == -1) {
        say_step(c, taken);
    } else {
        say_address(c, &name, length);
        memset(&name, 0, length = sizeof name);
        if (getpeername(client, (struct sockaddr *)&name, &length) == 0) say_address(c, &name, length); else say_step(c, -1);
        memset(&name, 0, length = sizeof name);
        if (getsockname(taken, (struct sockaddr *)&name, &length) == 0) say_address(c, &name, length); else say_step(c, -1);
        close(taken);
    }
    close(client);
    close(server);
}
static void act_post(struct call *c)
{
    struct sockaddr_un from, to, seen[2];
    socklen_t length = address(c, 0, &from);
    if (leads_out(c, 0)) { say(c, "left out"); return; }
    int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    char byte[2] = "x";
    struct iovec part = { byte, 1 };
    say_step(c, bind(sender, (struct sockaddr *)&from, length));
    length = address(c, 1, &to);
    say_step(c, bind(receiver, (struct sockaddr *)&to, length));
    struct msghdr one = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1 };
    say_step(c, (int)sendmsg(sender, &one, 0));
    struct mmsghdr more[2] = { { .msg_hdr = one }, { .msg_hdr = one } };
    say_step(c, sendmmsg(sender, more, 2, 0));
    say_step(c, (int)sendto(sender, byte, 1, 0, (struct sockaddr *)&to, sizeof to));
    memset(seen, 0, sizeof seen);
    struct msghdr got = { .msg_name = &seen[0], .msg_namelen = sizeof seen[0], .msg_iov = &part, .msg_iovlen = 1 };
    if (recvmsg(receiver, &got, 0) == 1) say_address(c, &seen[0], got.msg_namelen); else say_step(c, -1);
    for (int at = 0; at < 2; at++)
        more[at].msg_hdr = (struct msghdr){ .msg_name = &seen[at], .msg_namelen = sizeof seen[at], .msg_iov = &part, .msg_iovlen = 1 };
    int many = recvmmsg(receiver, more, 2, MSG_DONTWAIT, NULL);
    say_step(c, many);
    for (int at = 0; at < many; at++) say_address(c, &seen[at], more[at].msg_hdr.msg_namelen);
    memset(&seen[0], 0, length = sizeof seen[0]);
    if (__recvfrom_chk(receiver, byte, 1, sizeof byte, 0, (struct sockaddr *)&seen[0], &length) == 1) say_address(c, &seen[0], length);
    else say_step(c, -1);
    close(sender);
    close(receiver);
}

#define O(name, family, signature) { #name, family, signature, act_##name }
const struct operation talking[] = {
    O(talk, "talk", "ppn"), O(post, "talk", "pp"),
    END
};
