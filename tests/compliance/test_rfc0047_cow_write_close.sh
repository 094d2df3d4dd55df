#!/bin/sh
# Opening for writing copies, closing seals; equal files, links and earlier content stay what they are.
. "$(dirname "$0")/common.sh"
tree() { lines 1000 >a; cp a equal; ln a hard; cp a "$ROOM/first"; }
body() {
    echo more >>a
    same size "$(stat -c %s a)" "$(($(stat -c %s equal) + 5))"
    cmp hard a
    cmp equal "$ROOM/first"
    exec 3<>equal
    printf LINE >&3
    same 'while open' "$(head -c 4 equal)" LINE
    exec 3>&-
    same 'when closed' "$(head -n 1 equal)" 'LINE 0'
    : >hard
    same emptied "$(stat -c %s a)" 0
    echo again >a
    is hard again
}
after() {
    same equal "$(outside equal | head -n 1)" 'LINE 0'
    same a "$(outside a)" again
    native || same first "$("$VRIFT_BIN" cat w@0:a | cmp - "$ROOM/first" && echo same)" same
}
play "$@"
