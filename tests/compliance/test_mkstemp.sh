#!/bin/sh
# The mkstemp family: new names, mode 0600, then renamed into place.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; echo old >f; program mk <<'C'
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
int main(void)
{
    char a[] = "d/aXXXXXX", b[] = "d/bXXXXXX.c", c[] = "d/cXXXXXX", e[] = "none/XXXXXX", f[] = "d/short";
    int fd = mkostemp(a, O_CLOEXEC);
    if (fd < 0 || write(fd, "x", 1) != 1 || access(a, F_OK)) return 1;
    if ((fd = mkstemps(b, 2)) < 0 || strcmp(b + strlen(b) - 2, ".c") || access(b, F_OK)) return 2;
    if (!mkdtemp(c) || access(c, X_OK)) return 3;
    if (mkstemp(e) != -1 || errno != ENOENT) return 4;
    if (mkstemp(f) != -1 || errno != EINVAL) return 5;
    return 0;
}
C
}
body() {
    made=$(mktemp d/x.XXXXXX)
    there "$made"
    same mode "$(mode "$made")" 600
    echo new >"$made"
    mv "$made" f
    is f new
    dir=$(mktemp -d d/y.XXXXXX)
    same mode "$(mode "$dir")" 700
    TMPDIR=$TREE/d python - <<'P'
import tempfile, os
with tempfile.NamedTemporaryFile(suffix='.c') as f:
    assert f.name.startswith(os.environ['TREE'] + '/d/'), f.name
    f.write(b'x'); f.flush()
    assert os.stat(f.name).st_size == 1
assert not os.path.exists(f.name)
with tempfile.TemporaryFile() as f:
    f.write(b'y'); f.seek(0); assert f.read() == b'y'
P
    "$PROGRAMS/mk"
}
play "$@"
