#!/bin/sh
# ccache with its cache in the tree: what was compiled once is not compiled again, and the bytes are those of the compiler.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir src
    printf '#define VALUE 3\n' >src/value.h
    printf '#include "value.h"\nint main(void) { return VALUE; }\n' >src/a.c
    printf '#ifndef N\n#define N 2\n#endif\nint b(void) { return N; }\n' >src/b.c
    # What has just been changed is not looked up.
    touch -d '2001-02-03 04:05:06' src/*
}
counted() { ccache --print-stats | awk -v "key=$1" '$1 == key { print $2 }'; }
body() {
    export CCACHE_DIR="$TREE/.ccache" CCACHE_NOHASHDIR=1 SOURCE_DATE_EPOCH=1 CCACHE_SLOPPINESS=
    unset CCACHE_DISABLE
    ccache gcc -g -c src/a.c -o a.o -MD
    ccache gcc -g -c src/b.c -o b.o
    gcc -g -c src/a.c -o plain.o
    cmp a.o plain.o
    same missed "$(counted cache_miss)" 2
    mv a.o first.o
    mv a.d first.d
    # A hit, in the direct way and by what the preprocessor says.
    ccache gcc -g -c src/a.c -o a.o -MD
    cmp a.o first.o
    cmp a.d first.d
    same direct "$(counted direct_cache_hit)" 1
    CCACHE_NODIRECT=1 ccache gcc -g -c src/b.c -o b2.o
    cmp b.o b2.o
    same preprocessed "$(counted preprocessed_cache_hit)" 1
    # A header that changed is noticed.
    printf '#define VALUE 4\n' >src/value.h
    touch -d '2001-02-03 04:05:07' src/value.h
    ccache gcc -g -c src/a.c -o a.o
    same missed "$(counted cache_miss)" 3
    gcc a.o -o a
    code=0; ./a || code=$?
    same code "$code" 4
    # As links to the cache, and with several at a time.
    export CCACHE_HARDLINK=1
    ccache gcc -c src/b.c -o hard.o
    ccache gcc -c src/b.c -o hard2.o
    same inode "$(inode hard.o)" "$(inode hard2.o)"
    unset CCACHE_HARDLINK
    printf 'all: 1.o 2.o 3.o 4.o 5.o 6.o\n\t@:\n%%.o: src/b.c\n\tccache gcc -DN=$* -c $< -o $@\n' >Makefile
    make -s -j4
    misses=$(counted cache_miss)
    same misses "$misses" 9
    rm [1-6].o
    make -s -j4
    same missed "$(counted cache_miss)" "$misses"
    ccache --cleanup
    ccache --clear
    same cleared "$(counted files_in_cache)" 0
}
play "$@"
