#!/bin/sh
# mv within the tree, into directories, over existing files, out of the tree and back.
. "$(dirname "$0")/common.sh"
tree() { echo a >a; echo b >b; mkdir d e; echo x >e/x; }
body() {
    mv a d
    is d/a a
    mv -n b d/a
    is d/a a
    mv -f b d/a
    is d/a b
    mv e d
    is d/e/x x
    mv d "$ROOM/d"
    is "$ROOM/d/e/x" x
    gone d
    mv "$ROOM/d" back
    is back/a b
    refused 'subdirectory of itself' mv back back/e
}
play "$@"
