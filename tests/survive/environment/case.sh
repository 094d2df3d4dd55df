# One case of the row `environment`: a build of $ROOM/project in a workspace, while something is missing. Run by `survive` in
# a mount namespace of its own, with these parts put in:
#   PREPARE  where the store is to lie: $PLACE
#   BEFORE   what goes missing once the tree is ingested
#   AFTER    what takes it away again
#   LIMIT    what `vrift run` is given, and so the build
# and $INSIDE, what the build alone is given.
# It says `skip WHY` where it cannot be tried, else the exit codes of the same build natively and in the workspace.
set -eu
cd "$ROOM"
PLACE=$ROOM/place
mkdir -p "$PLACE" runtime temporary
export TMPDIR=$ROOM/temporary XDG_RUNTIME_DIR=$ROOM/runtime LC_ALL=C
skip() {
    echo "skip $*"
    exit 0
}
# disk SIZE MKFS...: a file system of its own at $PLACE.
disk() {
    truncate -s "$1" "$ROOM/disk"
    shift
    command -v "$1" >/dev/null || skip "there is no $1"
    "$@" "$ROOM/disk" >/dev/null 2>&1 || skip "$1 fails"
    mount -o loop "$ROOM/disk" "$PLACE" 2>/dev/null || skip "nothing can be mounted by a loop device"
}
# small OPTIONS: a tmpfs at $PLACE.
small() { mount -t tmpfs -o "$1" none "$PLACE" 2>/dev/null || skip "no tmpfs can be mounted"; }
# fill DIRECTORY LEFT: takes all room but so many bytes.
fill() {
    left=$(($(stat -f -c '%a * %S' "$1")))
    head -c "$((left - $2))" /dev/zero >"$1/filler" 2>/dev/null || :
}
cp -r project native
PREPARE
export VRIFT_HOME=$PLACE/store
"$V" ingest project --name w >said 2>&1 || { cat said; exit 90; }
"$V" run -w w -- true >said 2>&1 || { cat said; exit 96; }
native=0
(
    cd native
    LIMIT
    exec sh -c "$INSIDE exec make -k -j2"
) >native.said 2>&1 || native=$?
BEFORE
ours=0
(
    cd project
    LIMIT
    exec "$V" run -w w -- sh -c "$INSIDE exec make -k -j2"
) >said 2>&1 || ours=$?
"$V" ls w >looked 2>&1 || :
AFTER
"$V" fsck >found 2>&1 || { cat found said; exit 91; }
"$V" export w out >found 2>&1 || { cat found; exit 92; }
(
    cd project
    exec "$V" run -w w -- make -j2
) >again 2>&1 || { cat again; exit 93; }
"$V" fsck >found 2>&1 || { cat found; exit 94; }
"$V" export w final >found 2>&1 || { cat found; exit 95; }
echo "native $native"
echo "ours $ours"
