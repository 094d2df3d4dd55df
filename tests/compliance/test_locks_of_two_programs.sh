#!/bin/sh
# Two programs exclude each other by any lock on a name, whenever each has opened it, and whatever was written, cut, closed and
# sealed meanwhile.
. "$(dirname "$0")/common.sh"
tree() {
    lines 3 >held
    lines 3 >old
    : >empty
    : >other
    : >again
    : >in-parts
    : >contended
    : >count-of-contended
    echo 0 >count
    : >kept
}
body() {
    cat >$PROGRAMS/excludes.py <<'P'
import fcntl, os, struct, subprocess, sys

# Another process, which opens the file and holds its lock as long as it lives.
HOLD = '''
import fcntl, os, sys
how, path, flags = sys.argv[1], sys.argv[2], int(sys.argv[3])
fd = os.open(path, flags)
print("opened", flush=True)
sys.stdin.readline()
def lock(fd):
    if how == "flock": fcntl.flock(fd, fcntl.LOCK_EX)
    elif how == "shared": fcntl.flock(fd, fcntl.LOCK_SH)
    elif how == "record": fcntl.lockf(fd, fcntl.LOCK_SH if flags == os.O_RDONLY else fcntl.LOCK_EX)
lock(fd)
print("locked", flush=True)
sys.stdin.readline()
'''
class Other:
    def __init__(self, how, path, flags=os.O_RDONLY):
        self.process = subprocess.Popen([sys.executable, '-B', '-c', HOLD, how, path, str(flags)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == 'opened\n'
    def lock(self):
        self.next()
        assert self.process.stdout.readline() == 'locked\n'
        return self
    def next(self):
        self.process.stdin.write('\n'); self.process.stdin.flush()
    def end(self):
        self.process.stdin.close(); self.process.wait()

def can(path, how='flock', flags=os.O_RDWR):
    fd = os.open(path, flags)
    try:
        if how == 'flock': fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError: return False
    finally: os.close(fd)

def put(path, text, how='a'):
    with open(path, how) as file: file.write(text)

for how in 'flock', 'shared', 'record':
    for path in 'held', 'old':
        a = Other(how, path)
        if path == 'old': put(path, 'written between opening and locking')
        a.lock()
        kind = 'record' if how == 'record' else 'flock'
        assert not can(path, kind), (how, path, 'at once')
        put(path, 'written while it is locked')
        assert not can(path, kind), (how, path, 'after a write was closed')
        put(path, '', 'w')
        assert not can(path, kind), (how, path, 'after it was cut')
        os.truncate(path, 100)
        assert not can(path, kind), (how, path, 'after it was cut by its path')
        subprocess.run(['sh', '-c', 'echo more >>' + path], check=True)
        assert not can(path, kind), (how, path, 'after another process wrote it')
        if kind == 'flock': assert not can(path, kind, os.O_RDONLY), (how, path, 'to who reads')
        os.chmod(path, 0o600); os.utime(path)
        assert not can(path, kind), (how, path, 'after its mode and times were set')
        os.rename(path, path + '.moved')
        assert not can(path + '.moved', kind), (how, path, 'after it was renamed')
        put('other', path, 'w'); os.rename('other', path)
        assert can(path, kind), (how, path, 'what was renamed in its place')
        put('other', '')
        os.rename(path + '.moved', path)
        assert not can(path, kind), (how, path, 'after it was put back')
        a.end()
        assert can(path, kind), (how, path, 'after the holder has ended')

# Opened by both before it was ever written, locked after.
a, b = Other('flock', 'empty'), Other('flock', 'empty')
put('empty', 'x')
a.lock()
b.next()
os.set_blocking(b.process.stdout.fileno(), False)
try: assert not b.process.stdout.read(1)
except TypeError: pass
a.end()
os.set_blocking(b.process.stdout.fileno(), True)
assert b.process.stdout.readline() == 'locked\n'
assert not can('empty')
b.end()

# The child of a holder has the lock, when the holder has gone.
read, write = os.pipe()
if os.fork() == 0:
    fd = os.open('again', os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    if os.fork() != 0: os._exit(0)
    os.close(write)
    os.read(read, 1)
    os._exit(0)
os.close(read)
os.wait()
put('again', 'x')
assert not can('again')
os.close(write)
fcntl.flock(os.open('again', os.O_RDWR), fcntl.LOCK_EX)

# Parts of it, by one process and by another, and what a look says.
fd = os.open('in-parts', os.O_RDONLY)
fcntl.lockf(fd, fcntl.LOCK_SH, 10, 0)
fcntl.lockf(fd, fcntl.LOCK_SH, 10, 100)
if os.fork() == 0:
    writer = os.open('in-parts', os.O_RDWR)
    fcntl.lockf(writer, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 50)
    for start in 0, 100:
        try: fcntl.lockf(writer, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, start); os._exit(1)
        except OSError: pass
    asked = fcntl.fcntl(writer, fcntl.F_GETLK, struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0))
    os._exit(0 if struct.unpack('hhqqi', asked[:struct.calcsize('hhqqi')])[4] == os.getppid() else 2)
assert os.wait()[1] == 0

# By the open file itself (OFD).
fd = os.open('kept', os.O_RDONLY)
fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack('hhqqi', fcntl.F_RDLCK, 0, 0, 0, 0))
put('kept', 'x')
try:
    fcntl.fcntl(os.open('kept', os.O_RDWR), fcntl.F_OFD_SETLK, struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0))
    assert False, 'two own a file'
except OSError: pass
os.lseek(fd, 0, 0)
assert os.read(fd, 10) == b'x', 'who has locked a file reads what is written to it'
P
    python $PROGRAMS/excludes.py

    # Everybody counts one more under the lock, and each writes to what is locked.
    cat >$PROGRAMS/count.py <<'P'
import fcntl, os
for turn in range(60):
    fd = os.open('contended', os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    with open('count') as file: count = int(file.read())
    with open('count', 'w') as file: file.write(str(count + 1))
    if turn % 3 == 0:
        with open('contended', 'a') as file: file.write('x')
    os.close(fd)
P
    for i in 1 2 3 4; do python $PROGRAMS/count.py & counting="${counting:-} $!"; done
    for i in $counting; do wait "$i"; done
    is count 240
    is contended "$(printf %080d 0 | tr 0 x)"

    # flock(1), by a name and by a descriptor of the shell's.
    mkfifo go
    flock held sh -c 'cat go' &
    until ! flock -n held true; do sleep 0.01; done
    echo more >>held
    refused '' flock -n held true
    exec 9>>held
    refused '' flock -n 9
    : >go
    wait $!
    flock 9
    refused '' flock -n held true
    exec 9>&-
    flock -n held true
    is contended "$(outside contended)"
}
after() {
    native && return
    # Another run: nobody holds anything any more, and what was written is there.
    same held "$("$VRIFT_BIN" run -w w -- sh -c "cd '$TREE' && flock -n held cat held | tail -n 1")" more
    same count "$("$VRIFT_BIN" cat w:count)" 240
    same drafts "$(ls "$VRIFT_HOME/workspaces/w/drafts" | wc -l)" 0
}
play "$@"
