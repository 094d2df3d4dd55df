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
# Deeper than the kernel says a path: the C library finds it out all the same.
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
libc.getcwd.restype = ctypes.c_void_p
libc.getcwd.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
os.chdir(os.environ['TREE'])
expected = os.environ['TREE']
for number in range(25):
    name = '%02d' % number * 100
    os.mkdir(name); os.chdir(name); expected += '/' + name
room = ctypes.create_string_buffer(20000)
assert libc.getcwd(room, 20000) and room.value.decode() == expected, room.value
assert libc.getcwd(room, len(expected) + 1) and room.value.decode() == expected
for size in (4096, len(expected)):
    assert not libc.getcwd(room, size) and ctypes.get_errno() == errno.ERANGE, size
made = libc.getcwd(None, 0)
assert made and ctypes.string_at(made).decode() == expected
for number in reversed(range(25)):
    os.chdir('..'); os.rmdir('%02d' % number * 100)
P
}
play "$@"
