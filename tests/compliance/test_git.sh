#!/bin/sh
# git: init, add, commit, branch, checkout, merge, stash, gc, clone.
. "$(dirname "$0")/common.sh"
tree() { mkdir src; lines 20 >src/f; echo x >README; printf '#!/bin/sh\n' >run; chmod 755 run; ln -s README link; }
body() {
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
    git=/usr/bin/git
    $git init -q -b main .
    echo .in-force >.git/info/exclude
    $git add .
    $git commit -q -m first
    same clean "$($git status --porcelain)" ''
    $git checkout -q -b side
    echo more >>src/f
    chmod 644 run
    $git rm -q README
    $git commit -q -a -m second
    $git checkout -q main
    is README x
    [ -x run ]
    same lines "$(wc -l <src/f)" 20
    echo new >new
    $git add new
    $git commit -q -m third
    $git merge -q -m merged side
    gone README
    same lines "$(wc -l <src/f)" 21
    echo dirty >new
    $git stash -q
    is new new
    $git stash pop -q
    is new dirty
    $git checkout -q -- new
    $git gc -q
    $git fsck
    $git clone -q . copy
    cmp copy/src/f src/f
    $git worktree add -q other side
    same log "$($git log --oneline | wc -l)" 4
    $git clean -q -f -d
}
play "$@"
