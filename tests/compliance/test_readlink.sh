#!/bin/sh
# readlink: whole targets, short room, and what is no link.
. "$(dirname "$0")/common.sh"
tree() { ln -s some/target l; ln -s "$TREE/x" abs; : >f; }
body() {
    same l "$(readlink l)" some/target
    same abs "$(readlink abs)" "$TREE/x"
    python - <<'P'
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
room = ctypes.create_string_buffer(100)
assert libc.readlink(b'l', room, 4) == 4 and room.raw[:5] == b'some\0'
assert libc.readlink(b'f', room, 100) == -1 and ctypes.get_errno() == 22
assert os.readlink('l', dir_fd=os.open('.', os.O_RDONLY)) == 'some/target'
P
}
play "$@"
