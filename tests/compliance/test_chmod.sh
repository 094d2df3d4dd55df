#!/bin/sh
# The chmod family, by name and by descriptor.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; mkdir d; ln -s f l; cp f equal; }
body() {
    chmod 600 f
    same f "$(mode f)" 600
    same equal "$(mode equal)" 644
    chmod 4755 l
    same f "$(mode f)" 4755
    chmod 1777 d
    same d "$(mode d)" 1777
    python - <<'P'
import os
fd = os.open('f', os.O_RDONLY)
os.fchmod(fd, 0o640)
assert os.stat('f').st_mode & 0o7777 == 0o640 == os.fstat(fd).st_mode & 0o7777
os.chmod('f', 0o604, dir_fd=os.open('.', os.O_RDONLY))
assert os.fstat(fd).st_mode & 0o7777 == 0o604
P
    chmod u+x f
    [ -x f ]
    same equal "$(mode equal)" 644
}
play "$@"
