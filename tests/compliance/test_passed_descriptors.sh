#!/bin/sh
# A descriptor that goes through a socket to another process stays the same file.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; }
body() {
    python - <<'P'
import os, socket
a, b = socket.socketpair()
fd = os.open('f', os.O_RDWR)
pid = os.fork()
if pid == 0:
    got = socket.recv_fds(b, 1, 1)[1][0]
    os.write(got, b'passed'); assert os.fstat(got).st_ino == os.stat('f').st_ino
    os._exit(0)
socket.send_fds(a, [b'x'], [fd]); os.close(fd)
assert os.waitpid(pid, 0)[1] == 0
assert open('f').read() == 'passed'
P
}
after() { same f "$(outside f)" passed; }
play "$@"
