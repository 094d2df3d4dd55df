#!/bin/sh
# vrift blame names the command that wrote a file, and its parents.
. "$(dirname "$0")/common.sh"
tree() { echo 'int main(void) { return 0; }' >m.c; printf 'm.o: m.c\n\tgcc -c m.c\n' >Makefile; }
body() { make -s; echo x >by-shell; }
after() {
    native && return
    "$VRIFT_BIN" blame w:m.o >"$ROOM/blame"
    grep -q 'as\|cc1' "$ROOM/blame" || fail "blame says: $(cat "$ROOM/blame")"
    grep -q make "$ROOM/blame" || fail "blame says: $(cat "$ROOM/blame")"
}
play "$@"
