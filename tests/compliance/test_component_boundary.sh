#!/bin/sh
# The mount path ends at a component: a directory beside it whose name only begins the same is real.
. "$(dirname "$0")/common.sh"
tree() { echo in >f; mkdir "$TREE"2; echo beside >"$TREE"2/f; }
body() {
    is "$TREE/f" in
    is "$TREE//f" in
    is "$TREE/./f" in
    is "$ROOM/./tree/f" in
    is "$ROOM//tree/../tree/f" in
    is "${TREE}2/f" beside
    is "../tree2/f" beside
    echo new >"${TREE}2/new"
    refused 'No such file' cat "${TREE}x"
}
after() { is "${TREE}2/new" new; rm -r "${TREE}2"; }
play "$@"
