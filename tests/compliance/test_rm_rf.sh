#!/bin/sh
# rm -rf removes everything, however deep and many.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p a/b/c/d/e/f; i=0; while [ $i -lt 200 ]; do echo $i >a/b/f$i; i=$((i + 1)); done; ln -s / a/root; mkdir keep; echo k >keep/k; ln -s ../keep a/k; }
body() {
    echo new >a/b/c/new
    rm -rf a
    gone a
    is keep/k k
    mkdir a
    same empty "$(ls -A a)" ''
    rm -r keep a
    same listing "$(echo *)" '*'
}
play "$@"
