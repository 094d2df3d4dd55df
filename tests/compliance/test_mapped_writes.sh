#!/bin/sh
# Shared mappings: written while open, after close, and by a child.
. "$(dirname "$0")/common.sh"
tree() { lines 1000 >f; lines 10 >g; }
body() {
    python - <<'P'
import mmap, os
fd = os.open('f', os.O_RDWR); m = mmap.mmap(fd, 0); os.close(fd)
m[0:5] = b'first'
assert open('f').read(5) == 'first'
m[5:10] = b'after'
assert open('f').read(10) == 'firstafter'
m.close()
fd = os.open('g', os.O_RDWR); m = mmap.mmap(fd, 0)
if os.fork() == 0:
    m[0:5] = b'child'; os._exit(0)
os.wait(); m[5:6] = b'!'; os.close(fd)
os._exit(0)
P
}
after() { same f "$(outside f | head -c 10)" firstafter; same g "$(outside g | head -c 6)" 'child!'; }
play "$@"
