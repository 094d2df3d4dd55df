#!/bin/sh
# `..` behind a link is the parent of where the link leads, as the kernel sees it.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p a/b/c x; echo a >a/f; echo x >x/f; echo root >f; ln -s ../a/b/c x/l; ln -s "$ROOM/out/deep" out; mkdir -p "$ROOM/out/deep"; echo outer >"$ROOM/out/f"; }
body() {
    is x/l/../../f a
    is x/f x
    is x/l/../../../f root
    is out/../f outer
    same realpath "$(realpath x/l/..)" "$TREE/a/b"
    cd -P x/l
    is ../../f a
    refused 'No such file' cat ../../../x/none
}
play "$@"
