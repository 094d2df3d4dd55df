#!/bin/sh
# Ends of a write that are no close: exit, _exit, abort, a kill, dup2 over it, exec.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; }
body() {
    python -c 'import os; fd = os.open("d/_exit", os.O_CREAT | os.O_WRONLY); os.write(fd, b"1"); os._exit(0)'
    python -c 'import os; fd = os.open("d/kill", os.O_CREAT | os.O_WRONLY); os.write(fd, b"2"); os.kill(os.getpid(), 9)' || :
    python -c 'import os; fd = os.open("d/dup2", os.O_CREAT | os.O_WRONLY); os.write(fd, b"3"); os.dup2(os.open("/dev/null", os.O_RDONLY), fd); print(open("d/dup2").read())' | grep -q 3
    python -c 'import os; fd = os.open("d/exec", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC); os.write(fd, b"4"); os.execv("/bin/true", ["true"])'
    python -c 'import os; fd = os.open("d/abort", os.O_CREAT | os.O_WRONLY); os.write(fd, b"5"); os.abort()' || :
    for n in _exit:1 kill:2 dup2:3 exec:4 abort:5; do is "d/${n%:*}" "${n#*:}"; done
}
after() { for n in _exit:1 kill:2 dup2:3 exec:4 abort:5; do same "${n%:*}" "$(outside "d/${n%:*}")" "${n#*:}"; done; }
play "$@"
