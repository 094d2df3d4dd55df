#!/bin/sh
# sed -i, with and without a backup, also through a link.
. "$(dirname "$0")/common.sh"
tree() { echo 'hello world' >f; chmod 600 f; ln -s f l; }
body() {
    sed -i s/hello/bye/ f
    is f 'bye world'
    same mode "$(mode f)" 600
    sed -i.orig s/bye/hi/ f
    is f 'hi world'
    is f.orig 'bye world'
    sed -i --follow-symlinks s/hi/ho/ l
    is f 'ho world'
    [ -L l ]
    same listing "$(ls | tr '\n' ' ')" 'f f.orig l '
}
play "$@"
