#!/bin/sh
# unlink removes the name, in the tree and nowhere else.
. "$(dirname "$0")/common.sh"
tree() { echo a >a; ln a b; mkdir d; echo x >d/x; }
body() {
    unlink a
    gone a
    is b a
    same nlink "$(stat -c %h b)" 1
    refused 'No such file' unlink a
    refused 'Is a directory' unlink d
    refused 'Not a directory' unlink b/x
    rm d/x
    same listing "$(ls -A d)" ''
    echo again >a
    is a again
}
after() { native || refused 'd/x' "$VRIFT_BIN" cat w:d/x; same a "$(outside a)" again; }
play "$@"
