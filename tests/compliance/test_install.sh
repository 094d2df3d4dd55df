#!/bin/sh
# install: modes, directories, over a program that is running.
. "$(dirname "$0")/common.sh"
tree() { printf '#!/bin/sh\nexit 3\n' >s; cp /bin/sleep prog; }
body() {
    install -m 755 s bin-s
    same mode "$(mode bin-s)" 755
    if ./bin-s; then fail 'it returns 0'; else same code "$?" 3; fi
    install -d -m 750 a/b/c
    same mode "$(mode a/b/c)" 750
    install -D -m 644 s a/x/y/s
    cmp s a/x/y/s
    ./prog 2 &
    install -m 755 s prog
    wait
    cmp s prog
}
play "$@"
