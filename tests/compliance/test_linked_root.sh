#!/bin/sh
# The tree is reached over a symbolic link above it as well.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkdir d; ln -s "$ROOM" "$ROOM/alias"; }
body() {
    is "$ROOM/alias/tree/f" x
    cd "$ROOM/alias/tree/d"
    same pwd "$(/bin/pwd)" "$TREE/d"
    echo new >../new
    same realpath "$(realpath "$ROOM/alias/tree/f")" "$TREE/f"
    is "$TREE/new" new
}
play "$@"
