#!/bin/sh
# access looks at existence, mode and user; not only at the prefix.
. "$(dirname "$0")/common.sh"
needs_user=1
tree() { echo x >f; chmod 444 f; echo x >p; chmod 755 p; echo x >none; mkdir d; ln -s none l; }
body() {
    [ -r f ]
    [ ! -w f ]
    [ ! -x f ]
    [ -x p ]
    chmod 0 none
    [ ! -r none ]
    [ ! -r l ]
    [ ! -e missing ]
    [ -x d ]
    python - <<'P'
import os
assert os.access('f', os.R_OK) and not os.access('f', os.W_OK) and not os.access('missing', os.F_OK)
assert os.access('f', os.R_OK, effective_ids=True) and not os.access('f', os.W_OK, effective_ids=True)
P
    chmod 644 f
    [ -w f ]
}
play "$@"
