#!/bin/sh
# Libraries of the tree that a program needs are found where its loader looks for them, before anything is preloaded: by
# RUNPATH, `$ORIGIN`, LD_LIBRARY_PATH, and through libraries that need others.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir lib deep app
    echo 'int g(void) { return 4; }' >g.c; echo 'int g(void); int f(void) { return g() + 5; }' >f.c
    echo 'int f(void); int main(void) { return f(); }' >m.c
    # What lies on the disk is another: whoever finds it has the wrong one.
    echo 'int g(void) { return 70; }' >wrong.c
}
body() {
    gcc -shared -fPIC -o deep/libg.so.1.2 -Wl,-soname,libg.so.1 g.c
    ln -s libg.so.1.2 deep/libg.so.1; ln -s libg.so.1 deep/libg.so
    gcc -shared -fPIC -o lib/libf.so f.c -Ldeep -lg -Wl,-rpath,'$ORIGIN/../deep'
    gcc -o app/absolute m.c -Llib -lf -Wl,-rpath-link,deep -Wl,-rpath,"$TREE/lib"
    gcc -o app/origin m.c -Llib -lf -Wl,-rpath-link,deep -Wl,-rpath,'$ORIGIN/../lib'
    gcc -o app/old m.c -Llib -lf -Wl,-rpath-link,deep -Wl,--disable-new-dtags,-rpath,"$TREE/lib"
    gcc -o app/none m.c -Llib -lf -Wl,-rpath-link,deep
    for program in absolute origin old; do code=0; app/$program || code=$?; same "$program" "$code" 9; done
    refused 'cannot open shared object' app/none
    for path in "$TREE/lib" lib ./app/../lib "/nowhere:$TREE/lib:" "/nowhere;lib"; do
        code=0; LD_LIBRARY_PATH="$path" app/none || code=$?; same "path $path" "$code" 9
    done
    (cd lib && { code=0; LD_LIBRARY_PATH= ../app/none 2>/dev/null || code=$?; same 'an empty path is none' "$code" 127; })
    (cd lib && { code=0; LD_LIBRARY_PATH=: ../app/none || code=$?; same 'empty entries' "$code" 9; })
    # The program and its children see what was set, and nothing more.
    same variable "$(LD_LIBRARY_PATH=lib sh -c 'echo "$LD_LIBRARY_PATH"')" lib
    same 'in a child' "$(LD_LIBRARY_PATH=lib env | grep LD_LIBRARY_PATH)" LD_LIBRARY_PATH=lib
    same 'set to nothing' "$(LD_LIBRARY_PATH= env | grep LD_LIBRARY_PATH)" LD_LIBRARY_PATH=
    same unset "$(env | grep -c 'LIBRARY_PATH')" 0
    # A library that is made anew is found anew, one that is removed is not.
    echo 'int g(void) { return 6; }' >g.c; gcc -shared -fPIC -o deep/libg.so.1.2 -Wl,-soname,libg.so.1 g.c
    code=0; app/absolute || code=$?; same 'made anew' "$code" 11
    gcc -shared -fPIC -o app/libg.so.1 -Wl,-soname,libg.so.1 wrong.c
    code=0; LD_LIBRARY_PATH=app app/origin || code=$?; same 'the variable comes before RUNPATH' "$code" 75
    code=0; LD_LIBRARY_PATH=app app/old || code=$?; same 'the first that is found is taken' "$code" 75
    mv deep/libg.so.1.2 deep/kept; refused 'cannot open shared object' app/absolute
    mv deep/kept deep/libg.so.1.2
    # One that somebody can still write is loaded as it is, and can be written on.
    exec 5>>deep/libg.so.1.2
    code=0; app/absolute || code=$?; same 'being written' "$code" 11
    printf tail >&5
    code=0; app/absolute || code=$?; same 'written on' "$code" 11
    exec 5>&-
    same 'what was written' "$(tail -c 4 deep/libg.so.1.2)" tail
    printf more >>deep/libg.so.1.2; same 'and later' "$(tail -c 8 deep/libg.so.1.2)" tailmore
    code=0; app/absolute || code=$?; same 'written and closed' "$code" 11
    # A program that is not of the tree.
    cp app/none "$PROGRAMS/none"; code=0; LD_LIBRARY_PATH="$TREE/lib" "$PROGRAMS/none" || code=$?; same 'a program outside' "$code" 11
    cp app/absolute "$PROGRAMS/absolute"; code=0; "$PROGRAMS/absolute" || code=$?; same 'its RUNPATH' "$code" 11
}
play "$@"
