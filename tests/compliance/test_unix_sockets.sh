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
}
play "$@"
