#!/bin/sh
# diff and patch: changed, new and removed files, backups and rejects.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir a; lines 30 >a/f; echo gone >a/old; cp -r a b; sed -i 's/line 3$/LINE 3/' b/f; rm b/old; echo new >b/new
    diff -ruN a b >p || :
    rm -r b
}
body() {
    patch -s -d a -p1 <p
    same changed "$(sed -n 4p a/f)" 'LINE 3'
    gone a/old
    is a/new new
    patch -s -R -d a -p1 <p
    is a/old gone
    gone a/new
    sed -i 's/line 3$/other/' a/f
    if patch -s -d a -p1 <p; then fail 'the patch applied'; fi
    there a/f.rej
}
play "$@"
