#!/bin/sh
# Symbolic links: made, read, followed, dangling, looping, leading outside.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; echo x >d/x; echo real >"$ROOM/real"; }
body() {
    ln -s d/x l
    is l x
    same target "$(readlink l)" d/x
    ln -s "$ROOM/real" out
    is out real
    ln -s "$TREE/d" abs
    is abs/x x
    ln -s nowhere dangling
    refused 'No such file' cat dangling
    echo made >dangling
    is nowhere made
    ln -s loop loop
    refused 'Too many levels' cat loop
    ln -s ../d d/up
    is d/up/up/x x
    refused 'File exists' ln -s a l
    same length "$(stat -c %s l)" 3
    same kind "$(stat -c %F l)" 'symbolic link'
    rm l
    is d/x x
}
after() { native || same target "$("$VRIFT_BIN" ls -l w:abs | grep -c tree/d)" 1; }
play "$@"
