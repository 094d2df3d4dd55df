#!/bin/sh
# A library without a soname that was named by its path when a program was linked is asked for by that path, from where the
# program runs: it is found in the tree.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir lib app
    echo 'int f(void) { return 9; }' >f.c; echo 'int g(void); int f(void) { return g() + 5; }' >h.c; echo 'int g(void) { return 4; }' >g.c
    echo 'int f(void); int main(void) { return f(); }' >m.c
}
gives() { code=0; "$@" || code=$?; same "$*" "$code" 9; }
body() {
    gcc -shared -fPIC -o lib/libf.so f.c
    gcc -o app/relative m.c ./lib/libf.so; gcc -o app/absolute m.c "$TREE/lib/libf.so"
    gives app/relative; gives app/absolute
    (cd app && { gives ./absolute; refused './lib/libf.so: cannot open' ./relative; })
    ! readelf -d app/relative | grep -q RUNPATH || fail 'the program itself is another'
    readelf -d app/relative | grep -q '\[./lib/libf.so\]' || fail 'the program itself is another'
    # One that needs another by a path.
    gcc -shared -fPIC -o lib/libg.so g.c; gcc -shared -fPIC -o lib/libf.so h.c ./lib/libg.so
    gives app/relative; gives app/absolute
    same itself "$(cp /bin/readlink rl && ./rl /proc/self/exe)" "$TREE/rl"
    rm lib/libf.so; refused 'cannot open shared object' app/relative
}
play "$@"
