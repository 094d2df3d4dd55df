#!/bin/sh
# `vrift run --verify`: a content that is not what was stored is EIO for whoever opens it, to read, to map, to write on, to
# execute or to load, and the run names it. Without it the wrong bytes are given out.
. "$(dirname "$0")/common.sh"
tree() {
    echo 'a text that is bad, one' >bad
    echo 'a text that stays good' >good
    printf '#!/bin/sh\n# a script that is bad\necho ran\n' >script
    chmod +x script
    mkdir lib app
    echo 'const char *word(void) { return "a library that is bad"; }' >word.c
    echo 'const char *word(void); int main(void) { return !word(); } const char *own = "a program that is bad";' >main.c
}
body() {
    gcc -shared -fPIC -o lib/libword.so word.c
    gcc -o app/main main.c -Llib -lword -Wl,-rpath,'$ORIGIN/../lib'
    app/main
    rm word.c main.c
    echo 'a text that is bad, and was written here' >written
}
# One letter of each content that says `that is bad` becomes another. Inode and times stay.
spoil() {
    for blob in $(grep -rl "$1" "$VRIFT_HOME/blobs"); do
        at=$(grep -abo "$1" "$blob" | head -n 1 | cut -d : -f 1)
        touch -r "$blob" "$ROOM/time"
        chmod u+w "$blob"
        printf X | dd of="$blob" bs=1 seek="$at" conv=notrunc status=none
        chmod u-w "$blob"
        touch -r "$ROOM/time" "$blob"
    done
}
# verified MESSAGE COMMAND...: fails with that message below --verify, and the run says that content is damaged.
verified() {
    message=$1
    shift
    code=0
    said=$(LC_ALL=C "$VRIFT_BIN" run -w w --verify -- "$@" 2>&1) || code=$?
    [ "$code" -ne 0 ] || fail "'$*' went well: $said"
    case $said in *"$message"*) ;; *) fail "'$*' said '$said'" ;; esac
    case $said in *"is damaged in the store: it was not opened"*) ;; *) fail "the run of '$*' said nothing: $said" ;; esac
}
after() {
    if native; then return; fi
    cd "$TREE"
    same 'nothing is damaged' "$("$VRIFT_BIN" run -w w --verify -- sh -c 'cat bad good; app/main && ./script')" \
        "$(printf 'a text that is bad, one\na text that stays good\nran')"
    spoil 'that is bad'
    echo 'const char *word(void) { return "a library of the real directory"; }' | gcc -shared -fPIC -o "$ROOM/other.so" -x c -
    same 'without it' "$("$VRIFT_BIN" run -w w -- cat bad)" 'a text Xhat is bad, one'
    same 'what is good' "$("$VRIFT_BIN" run -w w --verify -- cat good)" 'a text that stays good'
    verified 'Input/output error' cat bad
    verified 'Input/output error' cat written
    verified 'bad: its content' cat bad
    verified 'Errno 5' /usr/bin/python3 -c 'import mmap; mmap.mmap(open("bad").fileno(), 0, prot=mmap.PROT_READ)'
    verified 'rror' sh -c 'echo more >>bad'
    verified 'rror' mv bad "$ROOM/moved"
    gone "$ROOM/moved"
    verified 'rror' sh -c ./script
    verified 'rror' app/main
    if [ "$(uname -m)" = x86_64 ]; then verified 'rror' busybox cat bad; fi
    # The run fails also where the command does not mind.
    verified 'named' sh -c 'cat bad 2>/dev/null; echo named'
    # What was not opened was not changed either.
    same 'it stays' "$("$VRIFT_BIN" run -w w -- cat bad)" 'a text Xhat is bad, one'
    if (eval "$("$VRIFT_BIN" env -w w --verify)" && cat bad) 2>/dev/null; then fail 'env: it was read'; fi
    # The library alone is damaged: the program is not started with another one that the loader finds.
    "$VRIFT_BIN" run -w w --verify -- gcc -shared -fPIC -o app/libword.so -x c - <<'C'
const char *word(void) { return "another library, which is good"; }
C
    "$VRIFT_BIN" run -w w --verify -- gcc -o app/both -x c - -L app -lword -Wl,-rpath,'$ORIGIN/../lib:$ORIGIN' <<'C'
const char *word(void); int main(void) { return word()[0] != 'a'; }
C
    verified 'rror' app/both
    # Nor is what lies in the real directory taken for what is damaged.
    loader=$(ldd /bin/sh | sed -n 's/^[[:space:]]*\(\/[^ ]*ld-[^ ]*\).*/\1/p')
    mkdir "$TREE/app" "$TREE/lib"
    cp /bin/echo "$TREE/app/main"
    cp "$ROOM/other.so" "$TREE/lib/libword.so"
    verified 'rror' "$loader" "$TREE/app/main" 'it ran'
    verified 'rror' "$loader" "$TREE/app/both"
    verified 'rror' env LD_PRELOAD="$TREE/lib/libword.so" /bin/echo 'it ran'
    case $said in *'it ran'*) fail 'it ran' ;; esac
    rm -r "$TREE/app" "$TREE/lib"
    # What is damaged beside what is needed keeps nobody from starting; who looks for it finds it damaged, and no other one.
    cp "$ROOM/other.so" "$ROOM/libword.so"
    printf 'import ctypes, sys\nctypes.CDLL(sys.argv[1])\n' >"$ROOM/load.py"
    gcc -shared -fPIC -o "$ROOM/libneeds.so" -x c - -L "$ROOM" -lword -Wl,-rpath,"$ROOM" <<'C'
const char *word(void); const char *needs(void) { return word(); }
C
    gcc -o "$ROOM/needs" -x c - -L "$ROOM" -lneeds -Wl,-rpath,"$ROOM" <<'C'
const char *needs(void); int main(void) { return !needs(); }
C
    "$ROOM/needs"
    same 'beside' "$("$VRIFT_BIN" run -w w --verify -- env LD_LIBRARY_PATH="$TREE/lib" echo 'it ran' 2>"$ROOM/said")" 'it ran'
    grep -q 'lib/libword.so: its content' "$ROOM/said"
    verified 'OSError' env LD_LIBRARY_PATH="$TREE/lib:$ROOM" /usr/bin/python3 "$ROOM/load.py" libword.so
    verified 'cannot read file data' env LD_LIBRARY_PATH="$TREE/lib:$ROOM" "$ROOM/needs"
    # What is written anew is stored anew.
    echo 'a text that is bad, one' >"$ROOM/new"
    "$VRIFT_BIN" run -w w --verify -- sh -c "cat '$ROOM/new' >bad"
    same 'written anew' "$("$VRIFT_BIN" run -w w --verify -- cat bad)" 'a text that is bad, one'
}
play "$@"
