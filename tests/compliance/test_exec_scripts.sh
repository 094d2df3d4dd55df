#!/bin/sh
# Scripts and programs of the tree: by #!, without one, not executable, over PATH, by env.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir bin; printf '#!/bin/sh\necho "$0 $1"\n' >bin/s; printf 'echo plain\n' >bin/p; printf '#!/usr/bin/env python3\nprint("py")\n' >bin/y
    printf '#!bin/s arg\n' >rel; cp /bin/echo bin/e; chmod 755 bin/* rel; printf '#!/bin/sh\n' >bin/no; chmod 644 bin/no; printf '#!/none\n' >bin/bad; chmod 755 bin/bad
}
body() {
    same script "$(bin/s a)" 'bin/s a'
    same plain "$(bin/p)" plain
    same program "$(bin/e hi)" hi
    same path "$(PATH=$TREE/bin:$PATH; s b)" "$TREE/bin/s b"
    same relative "$(PATH=bin:/usr/bin:/bin; e c)" c
    case "$(bin/y 2>&1)" in py | *python3*) ;; *) fail "env" ;; esac
    refused 'ermission denied' env bin/no
    refused 'o such file' env bin/bad
    same nested "$(./rel)" 'bin/s arg'
    same python "$(python -c 'import subprocess; print(subprocess.check_output(["bin/s", "z"], text=True), end="")')" 'bin/s z'
    same xargs "$(echo q | xargs bin/s)" 'bin/s q'
    same find "$(find bin -name e -exec {} found ';')" found
}
play "$@"
