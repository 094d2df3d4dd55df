#!/bin/sh
# Locks: two files with equal content do not meet, two descriptors of one file do.
. "$(dirname "$0")/common.sh"
tree() { : >a; : >b; lines 3 >c; ln c d; }
body() {
    python - <<'P'
import fcntl, os
def can(fd):
    try: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB); return True
    except BlockingIOError: return False
a, b = os.open('a', os.O_RDONLY), os.open('b', os.O_RDONLY)
assert can(a) and can(b), 'two empty files share a lock'
assert not can(os.open('a', os.O_RDONLY)), 'two readers of one file do not meet'
assert not can(os.open('a', os.O_RDWR)), 'reader and writer do not meet'
c = os.open('c', os.O_RDWR)
assert can(c) and not can(os.open('d', os.O_RDONLY))
os.write(c, b'X')
assert os.pread(os.open('d', os.O_RDONLY), 1, 0) == b'X'
fcntl.lockf(b, fcntl.LOCK_SH | fcntl.LOCK_NB)
P
    (flock 9; echo locked >>a) 9>lockfile
    is a locked
}
play "$@"
