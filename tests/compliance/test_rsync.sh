#!/bin/sh
# rsync, out of the tree, into it and within it: everything arrives, a second time there is nothing to do, --delete and --inplace work.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir -p s/d/empty
    lines 5000 >s/f
    ln s/f s/hard
    ln -s d/x s/l
    echo x >s/d/x
    chmod 751 s/d
    chmod 4711 s/d/x
    mkfifo s/pipe
    touch -d '2001-02-03 04:05:06.123456789' s/f s/d/x
    touch -d '2002-02-03 04:05:06.123456789' s/d s/d/empty
}
# Everything of a directory that rsync brings: the times of links and pipes are their own.
all() { (cd "$1" && find . \( -type l -o -type p \) -printf '%p %y %m %n %l\n' -o -printf '%p %y %m %n %s %T@\n' | grep -v '^\. ' | sort && find . -type f -exec sha256sum {} + | sort); }
arrived() {
    all "$1" >"$ROOM/one"
    all "$2" >"$ROOM/two"
    diff "$ROOM/one" "$ROOM/two" || fail "$2 is not $1"
    same again "$(rsync -aH --delete --itemize-changes "$1/" "$2/")" ''
}
body() {
    rsync -aH s/ "$ROOM/out/"
    arrived s "$ROOM/out"
    rsync -aH "$ROOM/out/" in/
    arrived "$ROOM/out" in
    rsync -aH in/ within/
    arrived in within
    # What is gone goes, what is new comes, what has changed is written anew: the other file keeps its content.
    echo more >>s/f
    rm s/l
    mv s/d s/e
    echo new >s/new
    exec 3<in/f
    inode=$(inode in/f)
    rsync -aH --delete s/ in/
    same unchanged "$(wc -l <&3)" 5000
    [ "$inode" != "$(inode in/f)" ]
    arrived s in
    gone in/d
    # In place the file stays the same.
    echo again >>s/f
    inode=$(inode in/f)
    rsync -aH --inplace --no-whole-file s/ in/
    same inode "$inode" "$(inode in/f)"
    arrived s in
    echo out >>"$ROOM/out/f"
    rsync -aH --inplace --no-whole-file "$ROOM/out/f" in/f
    cmp "$ROOM/out/f" in/f
    rsync -aH --delete --inplace --no-whole-file s/ "$ROOM/out/"
    arrived s "$ROOM/out"
    # By content, with what is replaced put aside; and as links to what another copy has.
    touch -r s/new "$ROOM/time"
    echo NEW >s/new
    touch -r "$ROOM/time" s/new
    rsync -aH s/ in/
    is in/new new
    rsync -aHc --backup --suffix=.old s/ in/
    is in/new NEW
    is in/new.old new
    rsync -a --link-dest="$TREE/in" s/ linked/
    same inode "$(inode in/new)" "$(inode linked/new)"
    rsync -a --remove-source-files --exclude=pipe s/ moved/
    same left "$(find s -type f)" ''
    is moved/new NEW
}
after() { same kept "$(outside moved/e/x)" x; }
play "$@"
