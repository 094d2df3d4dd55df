#!/bin/sh
# Equal files are different files: own inode, own count of links, own mode and time; one device; numbers stay.
. "$(dirname "$0")/common.sh"
tree() { echo same >a; echo same >b; : >e1; : >e2; chmod 600 b; touch -d @1000000000 b; mkdir d; }
body() {
    python - <<'P'
import os
names = ['a', 'b', 'e1', 'e2', 'd', '.']
all = {n: os.stat(n) for n in names}
assert len({s.st_ino for s in all.values()}) == len(names)
assert len({s.st_dev for s in all.values()}) == 1
assert [all[n].st_nlink for n in ('a', 'b', 'e1')] == [1, 1, 1]
fa, fb = os.open('a', os.O_RDONLY), os.open('b', os.O_RDONLY)
assert os.fstat(fa).st_ino == all['a'].st_ino and os.fstat(fb).st_ino == all['b'].st_ino
assert os.fstat(fb).st_mode & 0o777 == 0o600 and os.fstat(fb).st_mtime == 1000000000
assert not os.path.samefile('a', 'b')
assert {e.name: e.inode() for e in os.scandir()}['a'] == all['a'].st_ino
open('a', 'a').write('x'); os.rename('a', 'd/a')
assert os.stat('d/a').st_ino == all['a'].st_ino
P
    printf '#pragma once\nint x;\n' >p1.h
    cp p1.h p2.h
    sed -i 's/int x/int x/' p2.h
    printf '#include "p1.h"\n#include "p2.h"\nint main(void) { return x; }\n' >m.c
    gcc m.c -o m
}
play "$@"
