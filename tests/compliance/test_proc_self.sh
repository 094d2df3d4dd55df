#!/bin/sh
# /proc/self shows names in the tree, not where the store keeps things; reopening and changing through it is safe.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; echo x >f; cp f equal; cp /bin/readlink rl; cp rl .hidden; }
body() {
    python - <<'P'
import os
t = os.environ['TREE']
fd = os.open('f', os.O_RDONLY)
assert os.readlink(f'/proc/self/fd/{fd}') == t + '/f', os.readlink(f'/proc/self/fd/{fd}')
d = os.open('d', os.O_RDONLY)
assert os.readlink(f'/proc/self/fd/{d}') == t + '/d'
assert os.path.realpath(f'/proc/self/fd/{d}') == t + '/d'
w = os.open(f'/proc/self/fd/{fd}', os.O_RDWR)
os.write(w, b'Y'); os.close(w)
assert open('f').read() == 'Y\n' and open('equal').read() == 'x\n'
os.chmod(f'/proc/self/fd/{fd}', 0o600)
assert os.stat('f').st_mode & 0o777 == 0o600 and os.stat('equal').st_mode & 0o777 == 0o644
assert open(f'/dev/fd/{fd}').read() in ('Y\n', 'x\n')
os.chdir('d'); assert os.readlink('/proc/self/cwd') == t + '/d'
P
    same exe "$(./rl /proc/self/exe)" "$TREE/rl"
    same hidden "$(./.hidden /proc/self/exe)" "$TREE/.hidden"
    same equal "$(mode equal)" 644
}
play "$@"
