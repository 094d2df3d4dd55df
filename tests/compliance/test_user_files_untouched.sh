#!/bin/sh
# The user's own files are never linked, changed or moved: not by ingest, not by what runs.
. "$(dirname "$0")/common.sh"
tree() { echo mine >f; chmod 640 f; touch -d @1000000000 f; mkdir "$ROOM/keep"; ln f "$ROOM/keep/f"; stat -c '%i %a %h %Y %u' "$ROOM/keep/f" | sed 's/ 2 / N /' >"$ROOM/was"; }
body() {
    echo changed >f
    chmod 600 f
    rm f
    echo other >f
}
after() {
    native && return
    is "$ROOM/keep/f" mine
    same shape "$(stat -c '%i %a %h %Y %u' "$ROOM/keep/f" | sed 's/ 1 / N /')" "$(cat "$ROOM/was")"
    same linked "$(find "$VRIFT_HOME" -samefile "$ROOM/keep/f")" ''
}
play "$@"
