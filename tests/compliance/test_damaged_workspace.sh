#!/bin/sh
# A workspace that is damaged is said to be so before the command starts.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; }
body() { :; }
after() {
    native && return
    for image in "$VRIFT_HOME"/images/*; do chmod u+w "$image"; printf garbage | dd of="$image" conv=notrunc status=none; done
    rm -rf /dev/shm/vrift*w* 2>/dev/null || :
    if said=$("$VRIFT_BIN" run -w w -- touch "$ROOM/started" 2>&1); then fail "it ran: $said"; fi
    [ -n "$said" ] || fail 'nothing was said'
    gone "$ROOM/started"
}
play "$@"
