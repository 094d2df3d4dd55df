#!/bin/sh
# A program whose instructions valgrind plays works in the tree and outside: it has no vDSO, whatever the kernel says of one.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; }
body() {
    echo o >"$ROOM/other"
    same played "$(under cat f "$ROOM/other" "$ROOM/./other" | tr '\n' ' ')" 'x o o '
    under touch -d @5 f
    same touched "$(under stat -c %Y f)" 5
    under sh -c 'echo y >f'
    is f y
}
# Where there is none, the program is played by the processor alone.
under() {
    if command -v valgrind >"$ROOM/found"; then valgrind -q --tool=none "$@" 2>"$ROOM/warnings"; else "$@"; fi
}
play "$@"
