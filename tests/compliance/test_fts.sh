#!/bin/sh
# The C library's own walk of hierarchies sees the tree: order, kinds, links, loops, what is skipped and looked at before.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir -p a/b/c a/empty z
    echo 1 >a/one
    echo 2 >a/b/two
    ln -s b a/to-b
    ln -s nowhere a/to-nowhere
    ln -s .. a/b/up
    mkfifo z/pipe
}
body() {
    program walk <<'C'
#include <errno.h>
#include <fts.h>
#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int order(const FTSENT **one, const FTSENT **other) { return strcmp((*one)->fts_name, (*other)->fts_name); }
int main(int count, char **word) {
    int options = atoi(word[1]);
    FTS *walk = fts_open(word + 3, options, order);
    if (!walk) { printf("none: %s\n", strerror(errno)); return 0; }
    for (FTSENT *at; (at = fts_read(walk));) {
        printf("%d %s %s %d %d %d", at->fts_info, at->fts_path, at->fts_name, at->fts_level, at->fts_namelen, at->fts_pathlen);
        if (!(options & FTS_NOSTAT) && at->fts_info != FTS_NS) printf(" %o", at->fts_statp->st_mode);
        if (at->fts_info == FTS_DC) printf(" cycle %s", at->fts_cycle->fts_name);
        if (at->fts_errno) printf(" errno %d", at->fts_errno);
        printf("\n");
        if (strchr(word[2], 'c') && at->fts_info == FTS_D)
            for (FTSENT *in = fts_children(walk, strchr(word[2], 'n') ? FTS_NAMEONLY : 0); in; in = in->fts_link) printf("  holds %s\n", in->fts_name);
        if (strchr(word[2], 's') && at->fts_info == FTS_D && !strcmp(at->fts_name, "b")) fts_set(walk, at, FTS_SKIP);
        if (strchr(word[2], 'f') && (at->fts_info == FTS_SL)) fts_set(walk, at, FTS_FOLLOW);
        if (strchr(word[2], 'a') && at->fts_info == FTS_F && !at->fts_number++) fts_set(walk, at, FTS_AGAIN);
    }
    printf("end %d %d\n", errno, fts_close(walk));
    return 0;
}
C
    # The same walks of a copy outside, which are the C library's.
    cp -a . "$ROOM/same"
    mkdir "$ROOM/out"
    for options in 16 20 2 1 17 48 24 80 18; do
        for asked in - c cn s f a; do
            for roots in . a 'z a' a/to-b a/ none; do
                # shellcheck disable=SC2086
                "$PROGRAMS/walk" "$options" "$asked" $roots
            done
        done
    done >"$ROOM/ours"
    (
        cd "$ROOM/same"
        for options in 16 20 2 1 17 48 24 80 18; do
            for asked in - c cn s f a; do
                for roots in . a 'z a' a/to-b a/ none; do
                    # shellcheck disable=SC2086
                    "$PROGRAMS/walk" "$options" "$asked" $roots
                done
            done
        done
    ) >"$ROOM/theirs"
    diff "$ROOM/theirs" "$ROOM/ours" >"$ROOM/difference" || fail "$(head -n 6 "$ROOM/difference")"
    grep -q '^6 a/b b 1 1 3 ' "$ROOM/ours" || fail 'the tree was not walked'
}
play "$@"
