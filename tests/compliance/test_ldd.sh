#!/bin/sh
# ldd of a program of the tree says what is loaded and where, by the paths that programs see; so does its loader when it is
# executed itself, which also runs programs of the tree. What it cannot load is not loaded out of the real directory.
needs_user=1
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
    chmod 111 lib/libf.so
    for program in absolute origin none; do
        same "$program, not to be read" "$(LD_LIBRARY_PATH=lib lists ldd app/$program)" 'libf.so => not found'
    done
    chmod 755 lib/libf.so
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
# loaded CODE SAID COMMAND...: the command in the workspace ends by the code, and says so.
loaded() {
    code=0; want=$1 words=$2; shift 2
    said=$(LC_ALL=C "$VRIFT_BIN" run -w w -- "$@" 2>&1) || code=$?
    same "code of $*" "$code" "$want"
    case $said in *"$words"*) ;; *) fail "'$*' said '$said'" ;; esac
}
after() {
    if native; then return; fi
    cd "$ROOM"
    loader=$(ldd /bin/sh | sed -n 's/^[[:space:]]*\(\/[^ ]*ld-[^ ]*\).*/\1/p')
    echo 'int main(void) { return 66; }' | gcc -o other -x c -
    echo 'int getppid(void) { return 66; }' | gcc -w -shared -fPIC -o other.so -x c -
    # As the kernel says it of a tree on the disk.
    mkdir -p none; cp other none/read; chmod 111 none/read; mkdir none/directory; ln -s loop none/loop
    for path in missing read directory loop read/below; do
        code=0; LC_ALL=C "$loader" "$ROOM/none/$path" >said 2>&1 || code=$?
        same "$path outside" "$code" 127
        sed 's/.*: //' said >"why.$(basename "$path")"
    done
    mkdir "$TREE/app"
    for name in read directory loop missing; do cp other "$TREE/app/$name"; done
    "$VRIFT_BIN" run -w w -- sh -c 'cp app/first app/read; chmod 111 app/read; mkdir app/directory; ln -s loop app/loop'
    for path in missing read directory loop read/below; do
        loaded 127 "$(cat "why.$(basename "$path")")" "$loader" "$TREE/app/$path"
    done
    loaded 127 "$(cat why.missing)" "$loader" --argv0 name "$TREE/app/missing"
    # Nor a library that the loader is told of itself.
    cp other.so "$TREE/app/pre.so"
    echo 'int main(void) { return getppid() == 66; }' | gcc -w -o "$PROGRAMS/asks" -x c -
    loaded 0 'cannot be preloaded' "$loader" --preload "$TREE/app/pre.so" "$PROGRAMS/asks"
    loaded 0 'cannot be loaded as audit interface' "$loader" --audit "$TREE/app/pre.so" "$PROGRAMS/asks"
    "$VRIFT_BIN" run -w w -- cp "$ROOM/other.so" app/told.so
    loaded 1 '' "$loader" --preload "$TREE/app/told.so" "$PROGRAMS/asks"
    rm -r "$TREE/app"
}
play "$@"
