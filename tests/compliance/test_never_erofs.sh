#!/bin/sh
# Ordinary writes of an ordinary user never fail: neither EROFS nor EPERM.
. "$(dirname "$0")/common.sh"
needs_user=1
tree() { mkdir d; echo x >d/f; ln -s f d/l; }
body() {
    python - <<'P'
import os, time
os.chdir('d')
open('f', 'a').write('y'); open('new', 'w').write('z')
os.mkdir('sub'); os.rename('new', 'sub/new'); os.link('f', 'sub/hard'); os.symlink('x', 'sub/l')
os.chmod('f', 0o600); os.utime('f'); os.chown('f', os.getuid(), os.getgid()); os.truncate('f', 1)
os.setxattr('f', 'user.x', b'1'); os.mkfifo('sub/p'); os.replace('f', 'g'); os.unlink('sub/hard')
os.unlink('l'); os.unlink('sub/p'); os.unlink('sub/l'); os.unlink('sub/new'); os.rmdir('sub')
fd = os.open('.', os.O_TMPFILE | os.O_RDWR); os.write(fd, b't')
import ctypes
assert ctypes.CDLL(None).linkat(-100, b'/proc/self/fd/%d' % fd, -100, b'from-tmpfile', 0x400) == 0
assert sorted(os.listdir()) == ['from-tmpfile', 'g']
P
}
after() { same from-tmpfile "$(outside d/from-tmpfile)" t; }
play "$@"
