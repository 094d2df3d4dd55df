#!/bin/sh
# A program whose instructions valgrind plays works in the tree and outside: it has no vDSO, whatever the kernel says of one, and
# not all calls. memcheck looks for pointers in all memory that the program can write: so far as that has a file's bytes only, it ends.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; }
body() {
    echo o >"$ROOM/other"
    same played "$(under cat f "$ROOM/other" "$ROOM/./other" | tr '\n' ' ')" 'x o o '
    under touch -d @5 f
    same touched "$(under stat -c %Y f)" 5
    under sh -c 'echo y >f'
    is f y
    checked cp f g
    is g y
    checked mv g h
    is h y
}
# What memcheck says, natively nothing, would be seen in the tests of programs.
checked() {
    if ! command -v valgrind >"$ROOM/found"; then "$@" && return; fi
    timeout 60 valgrind -q --leak-check=full "$@" 2>"$ROOM/warnings" || fail "$*: exit code $?"
    same said "$(cat "$ROOM/warnings")" ''
}
# Where there is none, the program is played by the processor alone.
under() {
    if command -v valgrind >"$ROOM/found"; then valgrind -q --tool=none "$@" 2>"$ROOM/warnings"; else "$@"; fi
}
play "$@"
