#!/bin/sh
# A fork of the workspace has the same tree at the same path and goes its own way.
. "$(dirname "$0")/common.sh"
tree() { echo base >f; }
body() { echo changed >f; }
after() {
    native && return
    "$VRIFT_BIN" fork w other >/dev/null 2>&1 || "$VRIFT_BIN" fork w:other >/dev/null
    same fork "$("$VRIFT_BIN" run -w other -- cat "$TREE/f")" changed
    "$VRIFT_BIN" run -w other -- sh -c "echo theirs >$TREE/f; echo more >$TREE/new"
    same ours "$(outside f)" changed
    same theirs "$("$VRIFT_BIN" cat other:f)" theirs
    "$VRIFT_BIN" drop -y other >/dev/null 2>&1 || "$VRIFT_BIN" drop other >/dev/null
}
play "$@"
