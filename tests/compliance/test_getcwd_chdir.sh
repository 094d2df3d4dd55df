#!/bin/sh
# chdir, fchdir and getcwd, also for programs started there, and in a directory that is gone.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p a/b; : >a/b/f; ln -s a/b l; : >f; }
body() {
    cd a/b
    same pwd "$(/bin/pwd)" "$TREE/a/b"
    there f
    same empty "$(env -i /bin/pwd)" "$TREE/a/b"
    cd ..
    same up "$(/bin/pwd)" "$TREE/a"
    cd "$TREE/l"
    same physical "$(pwd -P)" "$TREE/a/b"
    cd "$TREE"
    same child "$(sh -c 'cd a && /bin/pwd')" "$TREE/a"
    refused 'No such file' env -C missing true
    refused 'Not a directory' env -C f true
    python - <<'P'
import os
fd = os.open('a/b', os.O_RDONLY)
os.fchdir(fd)
assert os.getcwd() == os.environ['TREE'] + '/a/b', os.getcwd()
os.chdir('..'); os.rename('b', 'c'); os.fchdir(fd)
assert os.getcwd() == os.environ['TREE'] + '/a/c', os.getcwd()
os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')
try: os.getcwd()
except FileNotFoundError: pass
else: raise SystemExit('a removed directory has a name')
P
}
play "$@"
