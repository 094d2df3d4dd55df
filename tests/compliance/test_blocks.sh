#!/bin/sh
# du, df and cp need blocks and a block size.
. "$(dirname "$0")/common.sh"
tree() { head -c 100000 /dev/zero | tr '\0' x >big; : >empty; mkdir d; cp big d/big; }
body() {
    [ "$(du -k big | cut -f 1)" -ge 97 ]
    [ "$(du -k big | cut -f 1)" -le 200 ]
    same empty "$(stat -c %b empty)" 0
    [ "$(stat -c %o big)" -ge 512 ]
    [ "$(du -sk . | cut -f 1)" -ge 194 ]
    truncate -s 10M sparse
    cp --sparse=always sparse s2
    same size "$(stat -c %s s2)" 10485760
}
play "$@"
