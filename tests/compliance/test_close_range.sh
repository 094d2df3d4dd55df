#!/bin/sh
# close_range, closefrom and closing of 3 to 9 take nothing away that the library needs.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; }
body() {
    exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
    is f x
    python - <<'P'
import os, subprocess
fd = os.open('f', os.O_RDWR); os.write(fd, b'Y')
os.closerange(3, 1000)
assert open('f').read() == 'Y\n'
open('g', 'w').write('z')
assert subprocess.run(['cat', 'f', 'g'], close_fds=True, capture_output=True).stdout == b'Y\nz'
P
    is g z
}
after() { same f "$(outside f)" Y; same g "$(outside g)" z; }
play "$@"
