#!/bin/sh
# The chown family. Root may give files away; others only what changes nothing.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; ln -s f l; }
body() {
    chown "$(id -u):$(id -g)" f
    if [ "$(id -u)" -eq 0 ]; then
        chown 12:34 f
        same owner "$(stat -c %u:%g f)" 12:34
        chown -h 56:78 l
        same link "$(stat -c %u:%g l)" 56:78
        same file "$(stat -c %u:%g f)" 12:34
        python -c 'import os; fd = os.open("f", os.O_RDONLY); os.fchown(fd, 1, 2); s = os.fstat(fd); assert (s.st_uid, s.st_gid) == (1, 2)'
        same owner "$(stat -c %u:%g f)" 1:2
    else
        refused 'not permitted' chown 0 f
    fi
    refused 'No such file' chown "$(id -u)" missing
}
play "$@"
