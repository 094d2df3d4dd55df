#!/bin/sh
# mkdir makes directories in the tree, with the right mode, and refuses names that are taken.
. "$(dirname "$0")/common.sh"
tree() { echo f >f; mkdir d; ln -s nowhere dangling; }
body() {
    umask 027
    mkdir new
    same mode "$(mode new)" 750
    mkdir -m 1777 odd
    same mode "$(mode odd)" 1777
    mkdir -p new/a/b/c
    echo x >new/a/b/c/f
    is new/a/b/c/f x
    same links "$(stat -c %h new)" 3
    refused 'File exists' mkdir new
    refused 'File exists' mkdir f
    refused 'File exists' mkdir dangling
    refused 'Not a directory' mkdir f/x
    refused 'No such file' mkdir none/x
}
after() { same new "$(outside new/a/b/c/f)" x; }
play "$@"
