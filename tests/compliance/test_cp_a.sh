#!/bin/sh
# cp -a keeps everything; cp -l, cp --reflink=auto and cp onto itself do what they should.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p s/d/empty; lines 50 >s/f; ln s/f s/hard; ln -s f s/l; chmod 700 s/d; echo h >s/.hidden; touch -d @1000000000.5 s/f; python -c 'import os; os.setxattr("s/f", "user.a", b"1")'; mkfifo s/p; }
body() {
    cp -a s t
    same time "$(stat -c %.9Y t/f)" 1000000000.500000000
    same links "$(stat -c %h t/f)" 2
    same link "$(readlink t/l)" f
    same mode "$(mode t/d)" 700
    same hidden "$(cat t/.hidden)" h
    [ -p t/p ]
    [ -d t/d/empty ]
    same xattr "$(python -c 'import os; print(os.getxattr("t/f", "user.a").decode())')" 1
    [ "$(inode s/f)" != "$(inode t/f)" ]
    echo more >>t/f
    same source "$(wc -l <s/f)" 50
    cp -al s u
    same inode "$(inode s/f)" "$(inode u/f)"
    cp --reflink=auto s/f v
    cmp v s/f
    refused 'same file' cp s/f s/hard
    cp -r s "$ROOM/out"
    cmp "$ROOM/out/f" s/f
    cp "$ROOM/out/f" w
    cmp w s/f
}
play "$@"
