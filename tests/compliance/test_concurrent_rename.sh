#!/bin/sh
# A file that is replaced by rename over and over is never missing and never half.
. "$(dirname "$0")/common.sh"
tree() { echo 00000000 >f; }
body() {
    python - <<'P'
import os
pid = os.fork()
if pid == 0:
    for i in range(400):
        open('t', 'w').write('%08d\n' % i); os.rename('t', 'f')
    os._exit(0)
seen = set()
while os.waitpid(pid, os.WNOHANG)[0] == 0:
    text = open('f').read()
    assert len(text) == 9, text
    os.stat('f'); seen.add(text)
assert open('f').read() == '%08d\n' % 399
P
}
after() { same f "$(outside f)" 00000399; }
play "$@"
