#!/bin/sh
# Programs of two PID namespaces, where every process has a namesake of the same number, work in one tree.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; }
# Only root can make one without another user's name.
apart() { if [ "$(id -u)" -eq 0 ]; then unshare --pid --fork "$@"; else "$@"; fi; }
many() {
    apart sh -c 'set -e
        [ "$2" = here ] || [ $$ -eq 1 ]
        i=0
        while [ $i -lt 400 ]; do
            echo "$1" >"d/$1.$i"
            i=$((i + 1))
        done' sh "$1" "$2"
}
body() {
    where=here
    [ "$(id -u)" -ne 0 ] || where=apart
    many a $where &
    first=$!
    many b $where &
    second=$!
    wait $first
    wait $second
    same "files" "$(ls d | wc -l)" 800
    is d/a.399 a
    is d/b.0 b
}
after() { native || same "what was kept" "$("$VRIFT_BIN" ls w:d | wc -l)" 800; }
play "$@"
