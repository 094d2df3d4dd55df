#!/bin/sh
# `..` behind a link is the parent of where the link leads, as the kernel sees it.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p a/b/c x; echo a >a/f; echo x >x/f; echo root >f; ln -s ../a/b/c x/l; ln -s "$ROOM/out/deep" out; mkdir -p "$ROOM/out/deep"; echo outer >"$ROOM/out/f"; mkdir "$ROOM/real"; ln -s /usr/lib "$ROOM/away"; echo >"$ROOM/plain"; }
body() {
    is x/l/../../f a
    is x/f x
    is x/l/../../../f root
    is out/../f outer
    same realpath "$(realpath x/l/..)" "$TREE/a/b"
    cd -P x/l
    is ../../f a
    refused 'No such file' cat ../../../x/none
    # The same on the way in from outside.
    cd "$ROOM"
    is "$ROOM/real/../tree/f" root
    is real/.././tree/a/f a
    is "$ROOM//tree/f" root
    refused 'No such file' cat "$ROOM/away/../tree/f"
    refused 'No such file' cat away/../tree/f
    refused 'No such file' cat "$ROOM/none/../tree/f"
    refused 'Not a directory' cat "$ROOM/plain/../tree/f"
    cd -P away
    refused 'No such file' cat ../tree/f
    cd "$ROOM/real"
    is ../tree/f root
    is ../real/../tree/f root
    python -c 'import os; d = os.open(os.environ["ROOM"], os.O_RDONLY)
assert os.open("real/../tree/f", os.O_RDONLY, dir_fd=d)
try: os.open("away/../tree/f", os.O_RDONLY, dir_fd=d)
except FileNotFoundError: pass
else: raise SystemExit("a wrong file")'
}
play "$@"
