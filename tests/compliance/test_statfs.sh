#!/bin/sh
# statfs and statvfs answer for places in the tree.
. "$(dirname "$0")/common.sh"
tree() { : >f; }
body() {
    [ "$(stat -f -c %S f)" -ge 512 ]
    same name "$(stat -f -c %l f)" 255
    df . >/dev/null
    refused 'No such file' stat -f missing
    python -c 'import os; s = os.statvfs("f"); assert s.f_namemax == 255; os.fstatvfs(os.open("f", 0)); assert os.pathconf("f", "PC_NAME_MAX") == 255'
}
play "$@"
