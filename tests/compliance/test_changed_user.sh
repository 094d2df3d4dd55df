#!/bin/sh
# A process that becomes another user gets no more than the kernel would give it, and what it is refused leaves no trace; when
# it is itself again, everything is as it was. Only root can become somebody else.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir closed open
    echo secret >closed/secret
    echo public >public
    chmod 0600 closed/secret
    chmod 0700 closed
    chmod 0777 open
}
body() {
    [ "$(id -u)" -eq 0 ] || return 0
    echo written >written
    chmod 0600 written
    python - <<'P'
import os, errno
NOT_MINE = (errno.EACCES, errno.EPERM)
def refused(call, *arguments):
    try: result = call(*arguments)
    except OSError as why: assert why.errno in NOT_MINE, (call, arguments, why)
    else: raise SystemExit('not refused: %s%s' % (call.__name__, arguments))
def or_refused(wanted, call, *arguments):
    try: result = call(*arguments)
    except OSError as why: assert why.errno == errno.EACCES, why
    else: assert result == wanted, result
def read(path):
    with open(path) as file: return file.read()
def write(path):
    with open(path, 'w') as file: file.write('by another user')
os.close(os.open('made', os.O_CREAT | os.O_RDONLY, 0o644))
before = [(name, os.stat(name).st_mtime_ns, os.stat(name).st_ctime_ns) for name in sorted(os.listdir('.'))]
held = open('closed/secret')
os.setegid(12345); os.seteuid(12345)
for path in 'closed/secret', 'written':
    refused(read, path)
    refused(write, path)
    refused(os.truncate, path, 0)
for path in 'public', 'new', 'closed/new':
    refused(write, path)
for call, arguments in ((os.unlink, ('public',)), (os.rename, ('public', 'open/x')), (os.mkdir, ('new',)), (os.rmdir, ('closed',)),
        (os.listdir, ('closed',)), (os.chdir, ('closed',)), (os.chmod, ('public', 0o666)), (os.utime, ('public', (1, 1))),
        (os.symlink, ('x', 'new')), (os.link, ('public', 'new')), (os.mkfifo, ('new',)), (os.chown, ('public', 12345, -1))):
    refused(call, *arguments)
assert os.access('public', os.R_OK), 'access asks for the real user'
or_refused('public\n', read, 'public')
assert os.stat('made').st_size == 0, 'what was made is whole when it is closed, if it was only read, too'
assert held.read() == 'secret\n'
assert not os.path.exists('new')
pid = os.fork()
if pid == 0:
    os.seteuid(0); os.setegid(0); os.setgroups([]); os.setgid(12345); os.setuid(12345)
    refused(read, 'closed/secret')
    refused(write, 'public')
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
os.seteuid(0); os.setegid(0)
after = [(name, os.stat(name).st_mtime_ns, os.stat(name).st_ctime_ns) for name in sorted(os.listdir('.'))]
assert before == after, (before, after)
assert read('closed/secret') == 'secret\n' and read('written') == 'written\n' and os.listdir('open') == []
P
}
after() { [ "$(id -u)" -ne 0 ] || same written "$(outside written)" written; }
play "$@"
