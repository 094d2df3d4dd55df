#!/bin/sh
# >> by several processes at once loses nothing.
. "$(dirname "$0")/common.sh"
tree() { echo first >log; }
body() {
    for writer in 1 2 3 4; do
        (i=0; while [ $i -lt 50 ]; do echo "$writer $i" >>log; i=$((i + 1)); done) &
    done
    wait
    same lines "$(wc -l <log)" 201
    same whole "$(grep -c '^[1-4] [0-9]*$' log)" 200
}
after() { same kept "$(outside log | wc -l)" 201; }
play "$@"
