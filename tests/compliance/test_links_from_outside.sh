#!/bin/sh
# Symbolic links outside of the tree lead into it, whatever lies in the real directory there.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir sub
    echo x >f
    echo g >sub/g
    printf '#!/bin/sh\necho ran\n' >script
    chmod +x script
    printf '#include "h.h"\nint main(void) { return VALUE; }\n' >a.c
    echo '#define VALUE 7' >h.h
}
body() {
    mkdir "$ROOM/outside"
    cd "$ROOM/outside"
    echo other >"$ROOM/other"
    ln -s "$TREE" link
    ln -s link/sub sublink
    ln -s ../tree/f flink
    ln -s . here
    ln -s "$ROOM" alias
    for stale in no yes; do
        # What lies in the real directory is never what is meant.
        if [ "$stale" = yes ] && ! native; then beside make; fi
        is link/f x
        is "$ROOM/outside/link/f" x
        is "$ROOM/outside/./link//sub/../f" x
        is sublink/g g
        is flink x
        is "$ROOM/outside/../tree/f" x
        is "/$ROOM//tree/f" x
        is "$ROOM/./tree/sub/g" g
        is "/.$ROOM/tree/./f" x
        is here/here/link/f x
        is alias/tree/f x
        is "$ROOM/outside/alias/tree/sub/g" g
        is sublink/../f x
        is link/../other other
        is link/sub/../../other other
        same linked "$(stat -c %F link)" 'symbolic link'
        same followed "$(stat -L -c %i link) $(stat -c %i link/.) $(stat -c %i link/)" "$(inode "$TREE") $(inode "$TREE") $(inode "$TREE")"
        same file "$(stat -L -c %i flink)" "$(inode "$TREE/f")"
        [ -d link ] && [ -f flink ] && [ ! -e link/none ] && [ ! -e sublink/f ]
        same pwd "$(cd link/sub && /bin/pwd)" "$TREE/sub"
        same up "$(cd link && cd -P .. && /bin/pwd)" "$ROOM"
        same list "$(ls link/sub sublink/ | tr '\n' ' ')" 'link/sub: g  sublink/: g '
        same found "$(find link/ -name g)" link/sub/g
        same realpath "$(realpath link/f flink sublink/../sub | tr '\n' ' ')" "$TREE/f $TREE/f $TREE/sub "
        same readlink "$(readlink -f "$ROOM/outside/alias/tree/sub/g")" "$TREE/sub/g"
        same ran "$(link/script)" ran
        same searched "$(PATH="$ROOM/outside/link:$PATH" sh -c script)" ran
        python <<'PYTHON'
import os, glob
here = os.open(".", os.O_RDONLY)
assert open("link/f").read() == "x\n" and os.path.realpath("link/f") == os.environ["TREE"] + "/f"
assert os.read(os.open("link/f", os.O_RDONLY, dir_fd=here), 9) == b"x\n"
assert os.read(os.open("flink", os.O_RDONLY, dir_fd=here), 9) == b"x\n"
assert os.stat("flink", dir_fd=here).st_ino == os.stat(os.environ["TREE"] + "/f").st_ino
assert os.access("link/script", os.X_OK) and not os.access("flink", os.X_OK)
assert sorted(glob.glob("l*/s*")) == ["link/script", "link/sub"]
assert os.path.samefile("link", os.environ["TREE"]) and os.path.islink("link")
PYTHON
    done
    if ! native; then beside remove; fi
    gcc -o prog link/a.c
    code=0; ./prog || code=$?
    same code "$code" 7
    echo new >link/new
    is "$TREE/new" new
    mv link/new link/sub/moved
    is "$TREE/sub/moved" new
    mkdir link/d && rmdir "$TREE/d"
    echo through >flink
    is "$TREE/f" through
    ln -s "$TREE/made" nowhere
    echo made >nowhere
    is "$TREE/made" made
    truncate -s 2 flink
    is "$TREE/f" th
    chmod 600 flink
    same mode "$(mode "$TREE/f")" 600
    # A link that comes, goes, or is another one is seen at once.
    is link/f th
    ln -sfn /nowhere link
    [ ! -e link/f ]
    ln -sfn "$TREE/sub" link
    is link/g g
    mv link link2
    [ ! -e link/g ]
    is link2/g g
    rm link2 flink
    gone link2
    there "$TREE/f"
}
# Who works on the real directory.
stranger() {
    cd "$TREE"
    case $1 in
    make) mkdir sub && echo stale >f && echo stale >script && chmod +x script && echo stale >sub/g ;;
    remove) rm -r f script sub ;;
    esac
}
play "$@"
