#!/bin/sh
# rmdir removes empty directories only.
. "$(dirname "$0")/common.sh"
tree() { mkdir -p a/b c; echo x >a/f; echo f >f; ln -s c link; }
body() {
    refused 'not empty' rmdir a
    rmdir a/b
    gone a/b
    rm a/f
    same links "$(stat -c %h a)" 2
    rmdir a
    gone a
    refused 'Not a directory' rmdir f
    refused 'Not a directory' rmdir link
    refused 'No such file' rmdir a
    refused 'Invalid argument' rmdir c/.
    same listing "$(echo *)" 'c f link'
}
play "$@"
