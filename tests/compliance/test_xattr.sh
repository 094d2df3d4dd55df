#!/bin/sh
# Extended attributes: set, read, listed, removed; kept over writing and renaming.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkdir d; python -c 'import os; os.setxattr("f", "user.first", b"1")'; }
body() {
    python - <<'P'
import os, errno
def refused(number, call, *arguments):
    try: call(*arguments)
    except OSError as why: assert why.errno == number, why
    else: raise SystemExit('not refused')
assert os.getxattr('f', 'user.first') == b'1'
os.setxattr('f', 'user.second', b'two')
os.setxattr('d', 'user.d', b'')
# What is set to what it is changes nothing, also not the time.
import time
os.setxattr('d', 'user.d', b'd')
before = [os.stat(name).st_ctime_ns for name in 'fd']
time.sleep(0.02)
os.setxattr('d', 'user.d', b'd')
os.setxattr('f', 'user.first', b'1')
assert [os.stat(name).st_ctime_ns for name in 'fd'] == before
refused(errno.EEXIST, os.setxattr, 'f', 'user.first', b'', os.XATTR_CREATE)
refused(errno.ENODATA, os.setxattr, 'f', 'user.third', b'', os.XATTR_REPLACE)
refused(errno.ENODATA, os.getxattr, 'f', 'user.none')
refused(errno.EOPNOTSUPP, os.setxattr, 'f', 'odd', b'')
open('f', 'a').write('more')
os.rename('f', 'g')
assert sorted(n for n in os.listxattr('g') if n.startswith('user.')) == ['user.first', 'user.second']
fd = os.open('g', os.O_RDONLY)
assert os.getxattr(fd, 'user.second') == b'two'
os.removexattr(fd, 'user.second')
refused(errno.ENODATA, os.getxattr, 'g', 'user.second')
P
}
play "$@"
