#!/bin/sh
# Opening for writing checks the mode, the kind, and that an exclusive name is new.
. "$(dirname "$0")/common.sh"
needs_user=1
tree() { echo old >f; chmod 444 f; mkdir d; echo x >w; mkdir closed; echo y >closed/f; }
body() {
    refused 'Permission denied' sh -c 'echo new >f'
    refused 'Permission denied' sh -c 'echo new >>f'
    is f old
    refused 'Is a directory' python -c 'open("d", "r+b", 0)'
    refused 'File exists' sh -c 'set -C; : >w'
    refused 'File exists' python -c 'import os; os.open("f", os.O_CREAT | os.O_EXCL | os.O_WRONLY)'
    chmod 200 w
    refused 'Permission denied' cat w
    echo new >w
    chmod 0 closed
    refused 'Permission denied' cat closed/f
    refused 'No such file' cat missing
    refused 'Not a directory' cat f/x
    chmod 644 f
    echo new >f
    is f new
}
after() { same f "$(outside f)" new; }
play "$@"
