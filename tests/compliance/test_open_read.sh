#!/bin/sh
# Reading: every byte, by read, pread, mmap, and with the flags that look.
. "$(dirname "$0")/common.sh"
tree() { lines 20000 >big; cp big "$ROOM/big"; : >empty; mkdir d; ln -s big l; }
body() {
    cmp big "$ROOM/big"
    [ ! -s empty ]
    python - <<'P'
import os, mmap, errno
want = open(os.environ['ROOM'] + '/big', 'rb').read()
fd = os.open('big', os.O_RDONLY)
assert os.pread(fd, 100, 5000) == want[5000:5100]
assert os.lseek(fd, 0, os.SEEK_END) == len(want)
assert mmap.mmap(fd, 0, prot=mmap.PROT_READ)[:] == want
def refused(number, *arguments):
    try: os.open(*arguments)
    except OSError as why: assert why.errno == number, why
    else: raise SystemExit('not refused')
refused(errno.ENOTDIR, 'big', os.O_RDONLY | os.O_DIRECTORY)
refused(errno.ELOOP, 'l', os.O_RDONLY | os.O_NOFOLLOW)
refused(errno.ENOENT, 'missing', os.O_RDONLY)
try: os.write(fd, b'x')
except OSError as why: assert why.errno == errno.EBADF
P
}
play "$@"
