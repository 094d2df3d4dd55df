#!/bin/sh
# Editors: a backup by rename, the new content under the old name; and by a temporary file.
. "$(dirname "$0")/common.sh"
tree() { echo old >f; chmod 640 f; }
body() {
    mv f f~
    echo new >f
    is f new
    is f~ old
    python - <<'P'
import os, tempfile, shutil
fd, name = tempfile.mkstemp(dir='.')
os.write(fd, b'saved\n'); os.fsync(fd); shutil.copymode('f~', name); os.close(fd); os.replace(name, 'f')
P
    is f saved
    same mode "$(mode f)" 640
    perl -i -pe 's/saved/by perl/' f
    is f 'by perl'
}
after() { same f "$(outside f)" 'by perl'; }
play "$@"
