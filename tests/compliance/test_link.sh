#!/bin/sh
# Hard links: one node under several names; across the mount they are refused.
. "$(dirname "$0")/common.sh"
tree() { echo x >a; mkdir d; echo out >"$ROOM/out"; }
body() {
    ln a b
    same inode "$(inode a)" "$(inode b)"
    same links "$(stat -c %h a)" 2
    echo y >>b
    same content "$(cat a)" "x
y"
    rm a
    same links "$(stat -c %h b)" 1
    refused 'File exists' ln b d/../b
    refused 'not permitted' python -c 'import os; os.link("d", "e")'
    refused 'No such file' ln missing c
    native || refused 'cross-device' ln "$ROOM/out" c
    native || refused 'cross-device' ln b "$ROOM/c"
}
play "$@"
