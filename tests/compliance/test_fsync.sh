#!/bin/sh
# fsync and its like of what is in a tree: of files open, closed, clean and removed, of directories, and of wrong descriptors.
. "$(dirname "$0")/common.sh"
tree() { lines 3 >f; lines 3 >clean; mkdir d; }
body() {
    python - <<'P'
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def refused(call, fd):
    if call(fd) == 0: return 0
    return ctypes.get_errno()
for call in libc.fsync, libc.fdatasync, libc.syncfs:
    for path, flags in ('f', os.O_RDWR), ('f', os.O_RDONLY), ('clean', os.O_RDONLY), ('d', os.O_RDONLY), ('.', os.O_RDONLY):
        fd = os.open(path, flags)
        assert refused(call, fd) == 0, (call, path)
        if flags == os.O_RDWR:
            os.write(fd, b'x')
            assert refused(call, fd) == 0 and refused(call, fd) == 0
        os.close(fd)
    assert refused(call, 999) == errno.EBADF
    assert refused(call, os.open('f', os.O_PATH)) == errno.EBADF
    pipe = os.pipe()
    if call is not libc.syncfs: assert refused(call, pipe[0]) == errno.EINVAL
# A journal beside a file, as databases have it; and what editors do.
for turn in range(20):
    journal = os.open('journal', os.O_RDWR | os.O_CREAT | os.O_EXCL)
    os.write(journal, b'before')
    os.fsync(journal)
    os.fsync(os.open('.', os.O_RDONLY))
    os.close(journal)
    os.unlink('journal')
    new = os.open('new', os.O_WRONLY | os.O_CREAT, 0o640)
    os.write(new, b'turn %d' % turn)
    os.fsync(new)
    os.close(new)
    os.rename('new', 'saved')
    assert open('saved').read() == 'turn %d' % turn
    assert os.stat('saved').st_mode & 0o7777 == 0o640
gone = os.open('gone', os.O_RDWR | os.O_CREAT)
os.unlink('gone')
os.write(gone, b'x')
os.fsync(gone)
os.chmod('saved', 0o600)
os.sync()
P
    same 'mode of it' "$(mode saved)" 600
    sync f d saved
    dd if=clean of=copied conv=fsync status=none
    cmp clean copied
    chmod +x copied
}
after() {
    native && return
    same saved "$(outside saved)" 'turn 19'
    same drafts "$(ls "$VRIFT_HOME/workspaces/w/drafts" | wc -l)" 0
    "$VRIFT_BIN" fsck >/dev/null
}
play "$@"
