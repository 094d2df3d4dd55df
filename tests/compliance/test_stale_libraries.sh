#!/bin/sh
# What lies in the real directory behind a tree is never loaded in the place of a library of the tree: by RPATH, RUNPATH or a
# path, and also not when the tree has no such library any more.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir lib app
    echo 'int f(void) { return 9; }' >f.c; echo 'int f(void) { return 66; }' >stale.c
    echo 'int f(void); int main(void) { return f(); }' >m.c
}
body() {
    gcc -shared -fPIC -o lib/libf.so f.c; gcc -shared -fPIC -o app/stale.so stale.c
    gcc -o app/runpath m.c -Llib -lf -Wl,-rpath,"$TREE/lib"
    gcc -o app/rpath m.c -Llib -lf -Wl,--disable-new-dtags,-rpath,"$TREE/lib"
    gcc -o app/path m.c "$TREE/lib/libf.so"
    for program in runpath rpath path; do code=0; app/$program || code=$?; same "$program" "$code" 9; done
    same 'seen by itself' "$(readelf -d app/rpath | grep -c RPATH)" 1
}
after() {
    if native; then return; fi
    mkdir "$TREE/lib"; "$VRIFT_BIN" cat w:app/stale.so >"$TREE/lib/libf.so"
    for program in runpath rpath path; do
        code=0; "$VRIFT_BIN" run -w w -- "app/$program" || code=$?; same "$program over a stale one" "$code" 9
    done
    same 'in the tree' "$("$VRIFT_BIN" run -w w -- sh -c 'mv lib/libf.so lib/kept.so; ls lib')" kept.so
    for program in runpath rpath path; do
        code=0; "$VRIFT_BIN" run -w w -- "app/$program" 2>/dev/null || code=$?; same "$program without one" "$code" 127
    done
    rm -r "$TREE/lib"
}
play "$@"
