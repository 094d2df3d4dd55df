#!/bin/sh
# Forked children: descriptors, working directory and names are shared or apart as they should be.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkdir d; }
body() {
    python - <<'P'
import os
fd = os.open('f', os.O_RDWR | os.O_APPEND)
for i in range(5):
    pid = os.fork()
    if pid == 0:
        os.write(fd, b'child %d\n' % i); os.chdir('d'); open(f'c{i}', 'w').write(os.getcwd()); os._exit(0)
    os.waitpid(pid, 0)
assert os.getcwd() == os.environ['TREE']
os.close(fd)
assert open('f').read().count('child') == 5
assert open('d/c3').read() == os.environ['TREE'] + '/d'
P
}
after() { same f "$(outside f | wc -l)" 6; same left "$(outside d/c4 | wc -c)" "$(printf %s "$TREE/d" | wc -c)"; }
play "$@"
