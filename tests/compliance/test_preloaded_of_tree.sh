#!/bin/sh
# LD_PRELOAD and LD_AUDIT name libraries of the tree, by path and by name; programs see the variables as they were set. One that
# cannot be loaded is not loaded out of the real directory.
needs_user=1
. "$(dirname "$0")/common.sh"
tree() {
    mkdir lib
    echo 'int getppid(void) { return 4242; }' >pre.c
    echo 'int g(void) { return 1717; }' >g.c; echo 'int g(void); int getppid(void) { return g(); }' >needs.c
    printf '#include <unistd.h>\nunsigned la_version(unsigned v) { write(2, "audited\\n", 8); return v; }\n' >audit.c
    printf '#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf("%%d\\n", getppid()); return 0; }\n' >m.c
}
body() {
    gcc -w -shared -fPIC -o lib/pre.so pre.c; gcc -shared -fPIC -o lib/libg.so -Wl,-soname,libg.so g.c
    gcc -w -shared -fPIC -o lib/needs.so needs.c -Llib -lg -Wl,-rpath,'$ORIGIN'
    gcc -shared -fPIC -o audit.so audit.c; gcc -o m m.c; cp m "$PROGRAMS/m"
    for program in ./m "$PROGRAMS/m"; do
        same 'a path' "$(LD_PRELOAD=$TREE/lib/pre.so $program)" 4242
        same 'a relative path' "$(LD_PRELOAD=./lib/pre.so $program)" 4242
        same 'a name' "$(LD_LIBRARY_PATH=lib LD_PRELOAD=pre.so $program)" 4242
        same 'one that needs another' "$(LD_PRELOAD=lib/needs.so $program)" 1717
        same 'the first of two' "$(LD_PRELOAD='lib/needs.so lib/pre.so' $program)" 1717
        same 'audited' "$(LD_AUDIT=./audit.so $program 2>&1 >/dev/null)" audited
        same 'all' "$(LD_AUDIT=./audit.so LD_PRELOAD=lib/pre.so $program 2>&1 | sort | tr '\n' ' ')" '4242 audited '
    done
    same 'in a child' "$(LD_PRELOAD=./lib/pre.so sh -c './m; true')" 4242
    same 'the variable' "$(LD_PRELOAD=./lib/pre.so sh -c 'echo "${LD_PRELOAD%%:*}"')" ./lib/pre.so
    same 'the other' "$(LD_AUDIT=./audit.so sh -c 'echo "$LD_AUDIT"' 2>/dev/null)" ./audit.so
    same 'nothing more' "$(LD_PRELOAD=./lib/pre.so LD_AUDIT=./audit.so env 2>/dev/null | grep -c KEPT)" 0
    refused 'cannot be preloaded' sh -c 'LD_PRELOAD=./lib/none.so ./m; exit 1'
}
# preloaded LIST SAID: as a program that is preloaded with them has it, and what its loader says.
preloaded() {
    same "preloaded with $1" "$("$VRIFT_BIN" run -w w -- sh -c "LD_PRELOAD='$1' $PROGRAMS/m" 2>"$ROOM/said")" "$3"
    [ -z "$2" ] || grep -qF "$2" "$ROOM/said" || fail "with $1 it said '$(cat "$ROOM/said")'"
}
after() {
    if native; then return; fi
    echo 'int getppid(void) { return 66; }' | gcc -w -shared -fPIC -o "$ROOM/stale.so" -x c -
    printf 'int la_version(unsigned v) { write(2, "stale\\n", 6); return v; }\n' | gcc -w -shared -fPIC -o "$ROOM/audits.so" -x c -
    mkdir "$TREE/lib"
    for name in pre.so read.so gone.so directory.so; do cp "$ROOM/stale.so" "$TREE/lib/$name"; done
    cp "$ROOM/audits.so" "$TREE/lib/audit.so"
    "$VRIFT_BIN" run -w w -- sh -c 'cp lib/pre.so lib/read.so; chmod 111 lib/read.so; mkdir lib/directory.so'
    preloaded "$TREE/lib/pre.so" '' 4242
    preloaded "$TREE/lib/gone.so $TREE/lib/pre.so" "$TREE/lib/gone.so' from LD_PRELOAD cannot be preloaded (cannot open" 4242
    preloaded "$TREE/lib/pre.so:$TREE/lib/read.so" "$TREE/lib/read.so' from LD_PRELOAD cannot be preloaded (cannot open" 4242
    preloaded "$TREE/lib/pre.so $TREE/lib/directory.so" 'from LD_PRELOAD cannot be preloaded (cannot read file data' 4242
    same 'audited' "$("$VRIFT_BIN" run -w w -- env LD_AUDIT="$TREE/lib/audit.so" "$PROGRAMS/m" 2>&1 >/dev/null | grep -c stale)" 0
    rm -r "$TREE/lib"
}
play "$@"
