#!/bin/sh
# Sockets with names in the tree.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; }
body() {
    python - <<'P'
import socket, os, stat, errno
s = socket.socket(socket.AF_UNIX); s.bind('d/sock'); s.listen()
assert stat.S_ISSOCK(os.stat('d/sock').st_mode)
c = socket.socket(socket.AF_UNIX); c.connect(os.environ['TREE'] + '/d/sock')
p, _ = s.accept(); c.sendall(b'hello'); assert p.recv(9) == b'hello'
assert s.getsockname() == 'd/sock', s.getsockname()
os.chdir('d'); c = socket.socket(socket.AF_UNIX); c.connect('sock')
def refused(number, call, *arguments):
    try: call(*arguments)
    except OSError as why: assert why.errno == number, why
    else: raise SystemExit('not refused')
refused(errno.EADDRINUSE, socket.socket(socket.AF_UNIX).bind, 'sock')
refused(errno.ENOENT, socket.socket(socket.AF_UNIX).connect, 'none')
os.unlink('sock')
refused(errno.ENOENT, socket.socket(socket.AF_UNIX).connect, 'sock')
P
    gone d/sock
    program many <<'C'
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#define MUST(x) do { errno = 0; if (!(x)) { printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); return 1; } } while (0)
int main(void) {
    struct sockaddr_un one = { AF_UNIX, "d/one" }, two = { AF_UNIX, "d/two" }, none = { AF_UNIX, "d/none" }, from[3];
    char text[3][16] = { "first", "second", "third" }, got[3][16];
    struct iovec out[3], in[3];
    struct mmsghdr send[3], receive[3];
    int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
    MUST(bind(a, (void *)&one, sizeof one) == 0 && bind(b, (void *)&two, sizeof two) == 0);
    memset(send, 0, sizeof send);
    memset(receive, 0, sizeof receive);
    memset(from, 0, sizeof from);
    for (int i = 0; i < 3; i++) {
        out[i] = (struct iovec){ text[i], strlen(text[i]) + 1 };
        send[i].msg_hdr = (struct msghdr){ .msg_name = i < 2 ? &two : &none, .msg_namelen = sizeof two, .msg_iov = &out[i], .msg_iovlen = 1 };
        in[i] = (struct iovec){ got[i], sizeof got[i] };
        receive[i].msg_hdr = (struct msghdr){ .msg_name = i == 1 ? NULL : &from[i], .msg_namelen = i == 1 ? 0 : sizeof from[i], .msg_iov = &in[i], .msg_iovlen = 1 };
    }
    MUST(sendmmsg(a, send, 3, 0) == 2 && send[0].msg_len == 6 && send[1].msg_len == 7);
    MUST(sendmmsg(a, send + 2, 1, 0) == -1 && errno == ENOENT);
    MUST(recvmmsg(b, receive, 3, MSG_DONTWAIT, NULL) == 2);
    MUST(!strcmp(got[0], "first") && !strcmp(got[1], "second") && receive[1].msg_len == 7);
    MUST(receive[0].msg_hdr.msg_name == &from[0] && !strcmp(from[0].sun_path, "d/one") && receive[0].msg_hdr.msg_namelen == 8);
    return 0;
}
C
    "$PROGRAMS/many"
}
play "$@"
