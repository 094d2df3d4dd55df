#!/bin/sh
# Named pipes carry bytes between two programs.
. "$(dirname "$0")/common.sh"
needs_user=1
tree() { mkdir d; mkfifo old; }
body() {
    mkfifo d/p
    [ -p d/p ]
    echo through >d/p &
    same fifo "$(cat d/p)" through
    wait
    cat old >got &
    echo ingested >old
    wait
    is got ingested
    refused 'File exists' mkfifo d/p
    rm d/p
    gone d/p
    mkfifo d/q
    (umask 777 && exec echo through >d/q) &
    tick
    same 'whatever the umask' "$(cat d/q)" through
    wait
}
play "$@"
