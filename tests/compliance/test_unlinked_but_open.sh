#!/bin/sh
# A file without a name goes on while it is open; its name may be taken by another.
. "$(dirname "$0")/common.sh"
tree() { echo old >f; mkdir d; echo x >d/x; }
body() {
    python - <<'P'
import os
fd = os.open('f', os.O_RDWR)
os.unlink('f')
assert not os.path.exists('f') and os.fstat(fd).st_nlink == 0
os.write(fd, b'new content'); os.fsync(fd)
open('f', 'w').write('another')
assert os.pread(fd, 100, 0) == b'new content' and os.fstat(fd).st_ino != os.stat('f').st_ino
r = os.open('d/x', os.O_RDONLY); os.rename('f', 'd/x')
assert os.read(r, 10) == b'x\n' and open('d/x').read() == 'another'
os.rename('d', 'e'); assert os.pread(r, 10, 0) == b'x\n'
P
}
after() { same x "$(outside e/x)" another; }
play "$@"
