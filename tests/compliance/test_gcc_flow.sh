#!/bin/sh
# gcc compiles, links and its program runs; the header is found, the dependency file is right.
. "$(dirname "$0")/common.sh"
tree() { mkdir src include; printf '#pragma once\n#define N 42\n' >include/n.h; cp include/n.h include/m.h; printf '#include <stdio.h>\n#include "n.h"\n#include "m.h"\nint f(void);\nint main(void) { printf("%%d %%d\\n", N, f()); }\n' >src/main.c; printf 'int f(void) { return 7; }\n' >src/f.c; }
body() {
    gcc -O1 -Iinclude -MMD -c src/main.c -o main.o
    gcc -O1 -Iinclude -c src/f.c -o f.o
    gcc main.o f.o -o prog
    same output "$(./prog)" '42 7'
    grep -q 'include/n.h' main.d
    gcc -O1 -g -Iinclude src/main.c src/f.c -o prog
    same output "$(./prog)" '42 7'
    gcc -E -Iinclude src/main.c >main.i
    grep -q 'return\|printf' main.i
    refused 'No such file' gcc -c src/missing.c -o x.o
    gone x.o
}
after() { outside prog >"$ROOM/prog" && chmod +x "$ROOM/prog" && same output "$("$ROOM/prog")" '42 7'; [ -n "$(outside main.i)" ] || fail 'main.i was lost'; }
play "$@"
