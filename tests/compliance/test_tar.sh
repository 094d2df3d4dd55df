#!/bin/sh
# tar packs and unpacks: modes, times, links of both kinds, empty directories.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p a/b a/empty; lines 100 >a/f; ln a/f a/hard; ln -s f a/l; chmod 755 a/b; echo x >a/b/x; chmod 4711 a/b/x; touch -d @1000000000 a/f; }
body() {
    tar cf t.tar a
    mkdir out
    tar xpf t.tar -C out
    diff -r --no-dereference a out/a
    same time "$(mtime out/a/f)" 1000000000
    same links "$(stat -c %h out/a/f)" 2
    same mode "$(mode out/a/b/x)" 4711
    [ -d out/a/empty ]
    tar tf t.tar >out.txt
    tar czf t.tgz -C out a
    rm -rf out
    tar xzf t.tgz
    gzip -k out.txt
    gunzip -c out.txt.gz | cmp - out.txt
    tar xf t.tar --overwrite
    is a/b/x x
}
play "$@"
