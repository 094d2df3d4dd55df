#!/bin/sh
# realpath, whole names of what lies behind links, and what cannot be named.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p a/b; : >a/b/f; ln -s a/b l; ln -s "$TREE/a" abs; ln -s loop loop; }
body() {
    same l "$(realpath l/f)" "$TREE/a/b/f"
    same abs "$(realpath abs/b/..)" "$TREE/a"
    same dot "$(realpath .)" "$TREE"
    same python "$(python -c 'import os; print(os.path.realpath("l/../b/f"))')" "$TREE/a/b/f"
    same f "$(readlink -f l/../b/f)" "$TREE/a/b/f"
    refused 'No such file' realpath -e missing
    refused 'Too many levels' realpath -e loop
}
play "$@"
