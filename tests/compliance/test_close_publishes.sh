#!/bin/sh
# After close returns, others see the bytes, while the program still runs.
. "$(dirname "$0")/common.sh"
tree() { echo old >f; }
body() {
    python - <<'P'
import os, subprocess
def outside(path):
    environment = {k: v for k, v in os.environ.items() if k not in ('LD_PRELOAD', 'VRIFT_SESSION')}
    if os.environ.get('VRIFT_COMPLIANCE_NATIVE'): return open(path).read()
    return subprocess.run([os.environ['VRIFT_BIN'], 'cat', 'w:' + path], env=environment, capture_output=True, text=True).stdout
for round in range(5):
    fd = os.open('f', os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b'new %d' % round)
    os.close(fd)
    assert outside('f') == 'new %d' % round, outside('f')
with open('made', 'w') as f: f.write('x')
assert outside('made') == 'x'
P
}
play "$@"
