#!/bin/sh
# A program that was just written in the tree runs, also after it was written again; one that can still be written is busy.
. "$(dirname "$0")/common.sh"
tree() { mkdir bin; }
source_saying() { printf '#include <stdio.h>\nint main(int n, char **a) { printf("%s %%s %%d\\n", a[0], n); return 7; }\n' "$1" >p.c; }
body() {
    for version in one two three; do
        source_saying "$version"
        gcc -o bin/p p.c
        code=0
        said=$(bin/p x) || code=$?
        same "$version" "$said $code" "$version bin/p 2 7"
        cp bin/p bin/copy
        code=0
        said=$(cd bin && ./copy) || code=$?
        same "copy of $version" "$said $code" "$version ./copy 1 7"
    done
    if (exec 3>>bin/p && exec bin/p) 2>said; then fail 'a program that can be written was executed'; fi
    grep -q 'Text file busy' said || fail "busy: $(cat said)"
    chmod a-x bin/p
    refused 'ermission denied' env bin/p
    cp /bin/readlink bin/self
    same 'its own path' "$(bin/self /proc/self/exe)" "$TREE/bin/self"
    mkdir bin/d && mv bin/copy bin/d/p && rm bin/p && mv bin/d bin/p
    code=0
    bin/p/p >said || code=$?
    same 'where a program was, a directory' "$(cat said) $code" 'three bin/p/p 1 7'
}
play "$@"
