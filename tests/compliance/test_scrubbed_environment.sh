#!/bin/sh
# A program started with an empty environment is in the tree all the same, and so are its children.
. "$(dirname "$0")/common.sh"
tree() { mkdir d; echo x >d/f; }
body() {
    same cat "$(env -i /bin/cat d/f)" x
    same shell "$(env -i /bin/sh -c 'cd d && /bin/cat f')" x
    same pwd "$(cd d && env -i /bin/pwd)" "$TREE/d"
    env -i /bin/sh -c 'echo new >d/new'
    is d/new new
    same bash "$(bash -c 'exec -c /bin/cat d/f')" x
    same python "$(python -c 'import subprocess; print(subprocess.run(["/bin/cat", "d/f"], env={}, capture_output=True, text=True).stdout, end="")')" x
    same unset "$(env -u LD_PRELOAD /bin/cat d/f)" x
    same perl "$(perl -e 'delete @ENV{keys %ENV}; exec "/bin/cat", "d/f"')" x
    same system "$(python -c 'import os; [os.environ.pop(k) for k in list(os.environ)]; os.system("/bin/cat d/f")')" x
}
after() { same new "$(outside d/new)" new; }
play "$@"
