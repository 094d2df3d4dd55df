#!/bin/sh
# Redirections of a shell: new, over, appended, both ways, here documents, duplicated, left open by the child.
. "$(dirname "$0")/common.sh"
tree() { echo old >f; }
body() {
    echo one >f
    is f one
    echo two >>f
    same lines "$(wc -l <f)" 2
    cat <<'X' >here
document
X
    is here document
    sh -c 'echo a; echo b >&2' >out 2>err
    is out a
    is err b
    sh -c 'echo a; echo b >&2' >both 2>&1
    same both "$(tr '\n' ' ' <both)" 'a b '
    exec 5>held
    echo through >&5
    is held through
    exec 5>&-
    echo x | tee t1 t2 >t3
    is t1 x
    is t3 x
    python -c 'print("from python")' >py
    is py 'from python'
    perl -e 'print "from perl\n"' >pl
    is pl 'from perl'
    : >f
    [ ! -s f ]
    cat <f >copy
    (echo sub) >sub
    is sub sub
    printf '%s\n' z y x | sort -o sorted
    same sorted "$(tr -d '\n' <sorted)" xyz
    sort -o sorted -r sorted
    same reversed "$(tr -d '\n' <sorted)" zyx
}
after() { same py "$(outside py)" 'from python'; same held "$(outside held)" through; }
play "$@"
