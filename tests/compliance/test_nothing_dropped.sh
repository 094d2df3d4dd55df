#!/bin/sh
# Empty directories, dot files, links and odd names come in with ingest, and what is removed stays removed.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p empty/deeper .config; : >.config/.x; ln -s nowhere dangling; : >' '; : >'-n'; mkdir gone; }
body() {
    [ -d empty/deeper ]
    there .config/.x
    [ -L dangling ]
    there ' '
    there ./-n
    rmdir gone
    rm -r .config
    mkdir -p made/empty
    same listing "$(ls -A | tr '\n' '/')" " /-n/.in-force/dangling/empty/made/"
}
after() {
    native || [ -z "$("$VRIFT_BIN" ls w: | grep -x gone)" ]
    native || "$VRIFT_BIN" export w "$ROOM/exported"
    native || [ -d "$ROOM/exported/made/empty" ]
}
play "$@"
