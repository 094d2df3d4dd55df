#!/bin/sh
# Every flavour of stat says the same, and all of it.
. "$(dirname "$0")/common.sh"
tree() { lines 500 >f; chmod 640 f; ln f g; touch -d @1234567890.123456789 f; }
body() {
    same f "$(stat -c '%s %a %h %u %Y %F' f)" "$(stat -c %s g) 640 2 $(id -u) 1234567890 regular file"
    same nanoseconds "$(stat -c %.9Y f)" 1234567890.123456789
    same inode "$(inode f)" "$(inode g)"
    python - <<'P'
import os
fd = os.open('f', os.O_RDONLY)
a, b, c = os.stat('f'), os.fstat(fd), os.stat('f', dir_fd=os.open('.', os.O_RDONLY))
assert a == b == c == os.lstat('f'), (a, b, c)
assert a.st_blksize >= 512 and a.st_blocks * 512 >= a.st_size and a.st_dev == os.stat('.').st_dev
P
    refused 'No such file' stat missing
    refused 'Not a directory' stat f/
}
play "$@"
