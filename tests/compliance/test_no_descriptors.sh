#!/bin/sh
# The library holds no descriptor: numbers are the lowest free ones, and /proc/self/fd shows only the program's.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkdir d; }
body() {
    python - <<'P'
import os
def mine():
    listing = os.open('/proc/self/fd', os.O_RDONLY)
    found = set(os.listdir(listing)) - {str(listing)}
    os.close(listing)
    return {int(n) for n in found if os.path.exists(f'/proc/self/fd/{n}') or os.path.islink(f'/proc/self/fd/{n}')}
before = mine()
os.stat('f'); open('f').read(); open('g', 'w').write('x'); os.listdir('d'); os.rename('g', 'h'); os.getcwd(); os.chdir('d'); os.chdir('..')
assert mine() == before, mine()
fd = os.open('f', os.O_RDONLY)
assert fd == 3, fd
assert os.dup(fd) == 4
# Where no descriptor is left, paths outside are told as before, and one that leads in leads in.
import resource, tempfile
with tempfile.TemporaryDirectory() as outside:
    os.mkdir(outside + '/d'); open(outside + '/d/plain', 'w').close()
    os.symlink(os.getcwd(), outside + '/in')
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    taken = []
    try:
        while True: taken.append(os.dup(fd))
    except OSError: pass
    assert os.access(outside + '/d/plain', os.R_OK) and os.stat(outside + '/d/../d/plain').st_size == 0
    assert not os.access(outside + '/d/none', os.F_OK)
    assert os.access(outside + '/in/f', os.R_OK) and os.stat(outside + '/d/../in/f').st_size == 2
    for one in taken: os.close(one)
P
}
play "$@"
