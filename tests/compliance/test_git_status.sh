#!/bin/sh
# git: behind each operation the status, the index, the files and what fsck says are what they are on a real directory.
. "$(dirname "$0")/common.sh"
# The operations, first without a workspace: each says what is there then.
tree() {
    cat >"$ROOM/operations" <<'SH'
set -e
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_EDITOR=true LC_ALL=C
export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=protocol.file.allow GIT_CONFIG_VALUE_0=always
export GIT_CONFIG_KEY_1=pack.threads GIT_CONFIG_VALUE_1=1 GIT_CONFIG_KEY_2=gc.auto GIT_CONFIG_VALUE_2=0
git() { /usr/bin/git "$@"; }
# What was done, and what is there now. The index has to know every file by its times and number, without a look at it.
now() {
    echo "== $*"
    git status --porcelain=v2 --branch
    git diff-files --name-status
    git fsck --full --strict
    find . -path ./.git/objects -prune -o ! -path '*/.git/*index' -printf '%p %y %m %l\n' | sort
    git ls-files --stage
}
of() { "$@"; now "$@"; }
git init -q -b main lib
(cd lib && echo 1 >one && git add . && of git commit -q -m first)
git init -q -b main origin
cd origin
mkdir -p src/deep
for i in 1 2 3 4 5 6 7 8; do echo "$i" >"src/$i"; done
echo x >README
printf '#!/bin/sh\n' >run
chmod 755 run
ln -s README link
now made
of git add .
of git commit -q -m first
echo new >src/deep/untracked
now written
rm src/deep/untracked
now removed
echo '*.o' >.gitignore
echo o >src/a.o
of git add -A
of git commit -q -m ignored
of git mv src/1 src/deep/one
of git commit -q -m moved
of git checkout -q -b side HEAD~1
echo side >>src/2
chmod 644 run
of git commit -q -a -m side
of git checkout -q main
echo main >>src/3
of git commit -q -a -m main
of git rebase -q main side
of git checkout -q main
of git merge -q --no-ff -m merged side
echo dirty >>src/4
echo staged >>src/5
git add src/5
echo kept >kept
of git stash -q --include-untracked
of git stash pop -q --index
of git reset -q --hard
of git clean -q -f -d -x
of git tag -a -m tagged v1
of git gc -q --prune=now
of git repack -q -a -d -f
of git worktree add -q --detach ../tree HEAD~1
(cd ../tree && echo there >>src/6 && of git commit -q -a -m there)
of git worktree list --porcelain | sed "s|$PWD|HERE|; s|${PWD%/*}|ABOVE|"
of git cherry-pick "$(git -C ../tree rev-parse HEAD)"
of git worktree remove ../tree
of git submodule -q add ../lib lib
of git commit -q -m submodule
cd ..
git clone -q --recurse-submodules origin clone
cd clone
now cloned
echo 2 >>lib/one
now changed within
of git submodule -q update --force
of git checkout -q -b topic origin/main~2
echo topic >>src/7
of git commit -q -a -m topic
of git -c rebase.autoStash=true rebase -q origin/main
of git push -q origin topic
of git revert --no-edit HEAD
of git bisect start HEAD HEAD~3
of git bisect reset
of git sparse-checkout set src
of git sparse-checkout disable
of git pack-refs --all
git fetch -q origin
now fetched
cd ..
git clone -q --bare clone bare
git clone -q --shared clone shared
git -C clone bundle create -q ../all.bundle --all
git clone -q -b topic all.bundle unbundled
cd unbundled
now unbundled
git -C ../bare log --oneline --all
git -C ../shared fsck
SH
    mkdir "$ROOM/native"
    if ! (cd "$ROOM/native" && sh "$ROOM/operations") >"$ROOM/wanted" 2>&1; then
        tail -n 3 "$ROOM/wanted"
        return 1
    fi
}
body() {
    sh "$ROOM/operations" >"$ROOM/got" 2>&1 || tail -n 3 "$ROOM/got"
    diff "$ROOM/wanted" "$ROOM/got" | head -n 5 >"$ROOM/differ"
    same difference "$(cat "$ROOM/differ")" ''
}
play "$@"
