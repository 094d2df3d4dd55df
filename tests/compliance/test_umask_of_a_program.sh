#!/bin/sh
# Programs and libraries of a tree are executed and loaded whatever the umask is, and so they are afterwards, by others.
. "$(dirname "$0")/common.sh"
needs_user=1
tree() {
    mkdir d lib
    echo 'int getppid(void) { return 42; }' | gcc -w -shared -fPIC -o lib/pre.so -x c -
    echo 'int f(void) { return 42; }' | gcc -shared -fPIC -o lib/libf.so -x c -
    echo 'int main(void) { return getppid() == 42; }' | gcc -w -o d/asks -x c -
    echo 'int f(void); int main(void) { return f() != 42; }' | gcc -o d/needs -x c - -Llib -lf
    cp /bin/echo d/tool
}
# runs: all of them.
runs() {
    is_said "$(d/tool it ran)"
    LD_LIBRARY_PATH=$PWD/lib d/needs
    code=0; LD_PRELOAD=lib/pre.so d/asks || code=$?; same 'preloaded' "$code" 1
}
is_said() { same 'said' "$1" 'it ran'; }
body() {
    # A library that somebody has open to write is loaded as a copy.
    exec 5>>lib/pre.so
    umask 777
    runs
    umask 022
    runs
    exec 5>&-
}
after() {
    if native; then return; fi
    cd "$ROOM"
    is_said "$("$VRIFT_BIN" run -w w -- d/tool it ran)"
    # What an earlier version has left.
    farm=$VRIFT_HOME/workspaces/w/farm
    find "$farm" -depth -type d -exec chmod 0 {} +
    is_said "$("$VRIFT_BIN" run -w w -- d/tool it ran)"
    "$VRIFT_BIN" run -w w -- sh -c 'LD_LIBRARY_PATH=lib d/needs'
    same 'closed' "$(mode "$farm")" 700
}
play "$@"
