#!/bin/sh
# Holes stay holes: in what was there, in what is made, written, copied and moved, and in what is exported.
. "$(dirname "$0")/common.sh"
# sparse NAME: 20 MiB, of which 4 KiB in the middle are data.
sparse() { truncate -s 10M "$1" && printf %04096d 7 >>"$1" && truncate -s 20M "$1"; }
# thin NAME: it has the length of those, and hardly any room.
thin() {
    same "length of $1" "$(stat -c %s "$1")" 20971520
    [ "$(stat -c %b "$1")" -le 256 ] || fail "$1 has $(stat -c %b "$1") blocks"
}
tree() {
    : >"$ROOM/empty"
    sparse old
    sparse old2
    echo x >>old2
}
body() {
    # As tests of other programs ask for it.
    dd bs=1 seek=128K of=small status=none <"$ROOM/empty"
    same 'blocks of a small file' "$(stat -c %b small)" 0
    dd if=/dev/zero bs=4K count=1 seek=30 of=small2 status=none
    [ "$(stat -c %b small2)" -le 16 ] || fail "small2 has $(stat -c %b small2) blocks"
    thin old
    sparse new
    thin new
    cmp old new
    python - <<'P'
import os
for name in 'old', 'new':
    fd = os.open(name, os.O_RDONLY)
    assert os.lseek(fd, 0, os.SEEK_DATA) == 10 << 20
    assert os.lseek(fd, 10 << 20, os.SEEK_HOLE) <= (10 << 20) + 65536
    assert os.fstat(fd).st_blocks == os.stat(name).st_blocks <= 256
P
    # Written in the middle, and at the end: the rest is copied as it was.
    printf y | dd of=old bs=1 seek=1000000 conv=notrunc status=none
    thin old
    same 'what was written' "$(dd if=old bs=1 skip=1000000 count=1 status=none)" y
    printf z >>new && truncate -s 20M new
    thin new
    cp --sparse=auto new copied
    thin copied
    cp -a new copied2
    thin copied2
    mv new moved && thin moved
    mv moved "$ROOM/outside"
    thin "$ROOM/outside"
    mv "$ROOM/outside" back
    thin back
    cmp back copied
    tar -S -cf sparse.tar back && mkdir unpacked && tar -C unpacked -xf sparse.tar && thin unpacked/back
    # Cut and made longer by its path; and by a descriptor.
    truncate -s 1000 back && truncate -s 20M back && thin back
    # Much that nobody ever wrote.
    truncate -s 3G huge
    [ "$(stat -c %b huge)" -le 256 ]
    printf end | dd of=huge bs=1 seek=3221225469 conv=notrunc status=none
    same 'the end of it' "$(tail -c 3 huge)" end
    rm huge
    # What was filled has its room.
    head -c 2000000 /dev/zero | tr '\0' x >full
    [ "$(stat -c %b full)" -ge 3906 ]
}
after() {
    native && return
    "$VRIFT_BIN" export w "$ROOM/out" >/dev/null
    for name in old back copied; do thin "$ROOM/out/$name"; done
    same 'what was written' "$(dd if="$ROOM/out/old" bs=1 skip=1000000 count=1 status=none)" y
    same 'a byte at the end' "$(tail -c 2 "$ROOM/out/old2")" x
}
play "$@"
