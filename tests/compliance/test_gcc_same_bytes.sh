#!/bin/sh
# Objects and programs are the same, byte by byte, as without the library.
. "$(dirname "$0")/common.sh"
tree() { printf '#include <stdio.h>\nstatic int sq(int x) { return x * x; }\nint main(void) { printf("%%d\\n", sq(9)); }\n' >m.c; if gcc -g -O2 -c m.c -o "$ROOM/m.o" && gcc -g -O2 m.c -o "$ROOM/m"; then :; fi; }
body() {
    gcc -g -O2 -c m.c -o m.o
    gcc -g -O2 m.c -o m
    cmp m.o "$ROOM/m.o"
    cmp m "$ROOM/m"
}
play "$@"
