#!/bin/sh
# A symbolic link above the tree changes nothing for who is in the tree.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkdir d; ln -s "$ROOM" "$ROOM/alias"; }
body() {
    cd "$TREE/d"
    same pwd "$(PWD=$ROOM/alias/tree/d /bin/pwd)" "$TREE/d"
    echo new >../new
    same realpath "$(realpath ../f)" "$TREE/f"
    is "$TREE/new" new
}
play "$@"
