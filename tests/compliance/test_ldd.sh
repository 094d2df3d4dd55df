#!/bin/sh
# ldd of a program of the tree says what is loaded and where, by the paths that programs see; so does its loader when it is
# executed itself, which also runs programs of the tree.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir lib app
    echo 'int f(void) { return 9; }' >f.c; echo 'int f(void); int main(void) { return f(); }' >m.c
    printf '#include <stdio.h>\nint main(int n, char **a) { puts(a[0]); return 0; }\n' >first.c
}
# Natively a path has the `..` of `$ORIGIN/../lib` in it; in a tree it has not.
lists() { LC_ALL=C "$@" | sed -n 's/ (0x.*//; s/^[[:space:]]*//; s,app/../,,; /libf/p'; }
body() {
    gcc -shared -fPIC -o lib/libf.so f.c
    gcc -o app/absolute m.c -Llib -lf -Wl,-rpath,"$TREE/lib"
    gcc -o app/origin m.c -Llib -lf -Wl,-rpath,'$ORIGIN/../lib'
    gcc -o app/none m.c -Llib -lf
    for program in absolute origin; do
        same "$program" "$(lists ldd app/$program)" "libf.so => $TREE/lib/libf.so"
        same 'by its variable' "$(lists env LD_TRACE_LOADED_OBJECTS=1 app/$program)" "libf.so => $TREE/lib/libf.so"
    done
    same 'none' "$(lists ldd app/none)" 'libf.so => not found'
    same 'by LD_LIBRARY_PATH' "$(LD_LIBRARY_PATH="$TREE/lib" lists ldd app/none)" "libf.so => $TREE/lib/libf.so"
    same 'nothing else' "$(LC_ALL=C ldd app/origin | grep -c '=>')" 2
    gcc -shared -fPIC -o lib/libm.so first.c -Wl,--no-as-needed -Llib -lf -Wl,-rpath,"$TREE/lib"
    same 'of a library' "$(lists ldd lib/libm.so)" "libf.so => $TREE/lib/libf.so"
    same 'of what is no program' "$(LC_ALL=C ldd m.c 2>&1 || :)" "$(printf '\tnot a dynamic executable')"
    (cd / && lists ldd "$TREE/app/origin" | grep -q "$TREE/lib/libf.so")
    loader=$(ldd app/none | sed -n 's/^[[:space:]]*\(\/[^ ]*ld-[^ ]*\).*/\1/p')
    code=0; "$loader" app/absolute || code=$?; same 'run by the loader' "$code" 9
    code=0; "$loader" --library-path lib app/none || code=$?; same 'with an option' "$code" 9
    same 'listed' "$(lists "$loader" --list app/origin)" "libf.so => $TREE/lib/libf.so"
    gcc -o app/first first.c
    same 'its first argument' "$("$loader" ./app/first)" ./app/first
}
play "$@"
