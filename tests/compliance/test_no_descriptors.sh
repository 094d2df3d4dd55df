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
P
}
play "$@"
