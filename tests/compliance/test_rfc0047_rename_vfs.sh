#!/bin/sh
# rename: files, directories, over existing ones, into itself, without replacing, exchanging.
. "$(dirname "$0")/common.sh"
tree() { echo a >a; echo b >b; mkdir d e; echo x >d/x; mkdir full; echo y >full/y; }
body() {
    before=$(inode a)
    mv -T a c
    gone a
    same inode "$(inode c)" "$before"
    mv -T c b
    is b a
    same inode "$(inode b)" "$before"
    mv -T d e
    is e/x x
    gone d
    python - <<'P'
import os, errno, ctypes
def refused(number, call, *arguments):
    try: call(*arguments)
    except OSError as why: assert why.errno == number, why
    else: raise SystemExit('not refused')
refused(errno.EINVAL, os.rename, 'e', 'e/below')
refused(errno.ENOTEMPTY, os.rename, 'e', 'full')
refused(errno.EISDIR, os.rename, 'b', 'e')
refused(errno.ENOTDIR, os.rename, 'e', 'b')
refused(errno.ENOENT, os.rename, 'missing', 'x')
libc = ctypes.CDLL(None, use_errno=True)
def renameat2(a, b, flags):
    if libc.renameat2(-100, a.encode(), -100, b.encode(), flags): raise OSError(ctypes.get_errno(), 'renameat2')
refused(errno.EEXIST, renameat2, 'b', 'e', 1)
renameat2('b', 'e', 2)
assert os.path.isdir('b') and open('e').read() == 'a\n'
renameat2('e', 'fresh', 1)
P
    is fresh a
    is b/x x
}
after() { same moved "$(outside fresh)" a; }
play "$@"
