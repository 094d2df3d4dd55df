#!/bin/sh
# rename brings a file in from outside and takes one out, as compilers with -pipe and editors do.
. "$(dirname "$0")/common.sh"
tree() { echo old >f; echo go >g; mkdir "$ROOM/tmp"; }
body() {
    echo fresh >"$ROOM/tmp/x"
    chmod 640 "$ROOM/tmp/x"
    mv "$ROOM/tmp/x" f
    is f fresh
    same mode "$(mode f)" 640
    gone "$ROOM/tmp/x"
    python -c 'import os; os.rename("g", os.environ["ROOM"] + "/tmp/out")'
    is "$ROOM/tmp/out" go
    gone g
    mkdir "$ROOM/tmp/dir"
    echo deep >"$ROOM/tmp/dir/f"
    mv "$ROOM/tmp/dir" .
    is dir/f deep
    gone "$ROOM/tmp/dir"
    mv dir "$ROOM/tmp/back"
    is "$ROOM/tmp/back/f" deep
    gone dir
}
after() { same f "$(outside f)" fresh; }
play "$@"
