#!/bin/sh
# While a file is written, every way of asking gives one size and one time.
. "$(dirname "$0")/common.sh"
tree() { lines 10 >f; }
body() {
    python - <<'P'
import os
fd = os.open('f', os.O_RDWR | os.O_APPEND)
for i in range(50):
    os.write(fd, b'x' * 100)
    a, b, c = os.fstat(fd), os.stat('f'), os.lstat('f')
    assert (a.st_size, a.st_mtime_ns, a.st_ino, a.st_ctime_ns) == (b.st_size, b.st_mtime_ns, b.st_ino, b.st_ctime_ns), (a, b)
    assert b == c
    r = os.open('f', os.O_RDONLY); d = os.fstat(r); os.close(r)
    assert (d.st_size, d.st_mtime_ns, d.st_ino, d.st_nlink) == (a.st_size, a.st_mtime_ns, a.st_ino, a.st_nlink), (a, d)
last = os.stat('f').st_mtime_ns
os.close(fd)
assert os.stat('f').st_mtime_ns == last
P
}
play "$@"
