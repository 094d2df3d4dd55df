#!/bin/sh
# No path of the store is seen: getcwd, realpath, /proc/self, messages, debug information.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; echo 'int main(void) { return 0; }' >m.c; cp /bin/pwd pwd; }
body() {
    cd d
    gcc -g ../m.c -o m
    {
        /bin/pwd
        pwd -P
        realpath . m ../m.c
        readlink /proc/self/cwd
        python -c 'import os, sys; print(os.getcwd(), os.path.realpath("m"), os.readlink("/proc/self/fd/%d" % os.open("m", 0)))'
        ls -l /proc/self/fd/
        strings m | grep "$ROOM"
        ../pwd
        gcc ../none.c 2>&1
        make -C .. none 2>&1
        git -C .. rev-parse --git-dir 2>&1
    } >"$ROOM/seen" 5<m 6<. || :
    cd ..
    if grep -v '/log$' "$ROOM/seen" | grep -e "$ROOM/store" -e /dev/shm -e places-; then fail "seen: $(grep -e "$ROOM/store" -e /dev/shm -e places- "$ROOM/seen" | head -1)"; fi
    grep -q "$TREE/d" "$ROOM/seen"
}
play "$@"
