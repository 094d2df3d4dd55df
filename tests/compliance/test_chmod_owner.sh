#!/bin/sh
# Only the owner changes a mode, and a mode is heeded.
. "$(dirname "$0")/common.sh"
needs_user=1
tree() { echo x >f; mkdir d; echo x >d/f; }
body() {
    chmod 0 f
    refused 'Permission denied' cat f
    chmod 400 f
    is f x
    chmod 0 d
    refused 'Permission denied' cat d/f
    refused 'Permission denied' ls d
    chmod 500 d
    refused 'Permission denied' rm -f d/f
    refused 'Permission denied' touch d/new
    chmod 700 d
    rm d/f
    refused 'not permitted' chown 0 f
}
play "$@"
