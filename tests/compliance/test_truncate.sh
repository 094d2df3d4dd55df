#!/bin/sh
# truncate and ftruncate: shorter, longer, of a file that is open.
. "$(dirname "$0")/common.sh"
tree() { lines 100 >f; cp f equal; : >e; mkdir d; }
body() {
    size=$(stat -c %s equal)
    truncate -s 6 f
    is f 'line 0'
    truncate -s 10 f
    same zeros "$(od -An -tx1 -j 6 f | tr -d ' ')" 00000000
    same equal "$(stat -c %s equal)" "$size"
    python - <<'P'
import os
fd = os.open('equal', os.O_RDWR)
os.truncate('equal', 3)
assert os.fstat(fd).st_size == 3 and os.pread(fd, 10, 0) == b'lin'
os.ftruncate(fd, 1)
assert os.stat('equal').st_size == 1
P
    refused 'Is a directory' python -c 'import os; os.truncate("d", 0)'
    refused 'Invalid argument' python -c 'import os; os.truncate("e", -1)'
}
after() { same f "$(outside f | head -c 6)" 'line 0'; }
play "$@"
