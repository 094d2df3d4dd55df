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
assert os.listdir() == ['g']
P
}
after() { same g "$(outside d/g)" x; }
play "$@"
