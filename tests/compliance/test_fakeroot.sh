#!/bin/sh
# Under fakeroot, whose library comes first.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; echo x >d/f; }
body() {
    fakeroot sh -c 'cat d/f >copy; chown 0:0 d/f; stat -c %u d/f >owner; tar cf t.tar d'
    is copy x
    is owner 0
    same packed "$(tar tf t.tar | tr '\n' ' ')" 'd/ d/f '
}
after() { same copy "$(outside copy)" x; }
play "$@"
