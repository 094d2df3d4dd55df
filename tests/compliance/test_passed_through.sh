#!/bin/sh
# What works on descriptors alone: pwrite, writev, ftruncate, fallocate, sendfile, copy_file_range, splice, mmap, fsync.
. "$(dirname "$0")/common.sh"
tree() { lines 1000 >f; : >g; : >h; }
body() {
    python - <<'P'
import os, mmap
f = os.open('f', os.O_RDONLY); g = os.open('g', os.O_RDWR)
size = os.fstat(f).st_size
assert os.sendfile(g, f, 0, 1000) == 1000
assert os.copy_file_range(f, g, 500, 1000) == 500
os.pwrite(g, b'HEAD', 0)
assert os.pwritev(g, [b'a', b'b'], 100) == 2
os.ftruncate(g, 1200)
os.posix_fallocate(g, 0, 5000)
assert os.fstat(g).st_size == 5000
m = mmap.mmap(g, 5000); m[0:4] = b'mmap'; m.flush(); m.close()
assert os.pread(g, 4, 0) == b'mmap'
os.fsync(g); os.fdatasync(g)
r, w = os.pipe()
assert os.splice(f, w, 100, 0) == 100
h = os.open('h', os.O_RDWR)
assert os.splice(r, h, 100) == 100
os.close(g); os.close(h)
a, b = open('f', 'rb').read(), open('g', 'rb').read()
assert b[4:100] == a[4:100] and b[102:1000] == a[102:1000] and b[1000:1200] == a[1000:1200] and b[1200:] == bytes(3800)
assert open('h', 'rb').read() == a[:100]
P
}
after() { same g "$(outside g | head -c 4)" mmap; same h "$(outside h | wc -c)" 100; }
play "$@"
