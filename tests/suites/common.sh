# Sourced by scripts/pjdfstest and scripts/cpython-tests: a room with an empty directory, the same as a workspace, and the
# proof that what runs in the workspace is in there and nowhere else.
#
#   $room/native  a real, empty directory
#   $room/tree    the workspace's mount path; a real directory that stays empty
#
# The names are short, because the paths of sockets have to be.

user=12345

# make_room UID: whose all of it is. Sets `room` and `as`.
make_room() {
    room=$(mktemp -d "${TMPDIR:-/tmp}/vs.XXXX")
    rooms+=("$room")
    mkdir "$room"/{bin,native,tree,store,out,tmp}
    chmod 0755 "$room"
    cp "$command" "$(dirname "$command")/libvrift_shim.so" "$room/bin/"
    od -An -N8 -tx8 /dev/urandom | tr -d ' \n' >"$room/tree/in-force"
    mark=$(cat "$room/tree/in-force")
    as=(env -i "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "HOME=$room" "TMPDIR=$room/tmp" "VRIFT_HOME=$room/store")
    if [ "$1" -ne "$(id -u)" ]; then
        chown -R "$1:$1" "$room"
        as=(setpriv --reuid "$1" --regid "$1" --clear-groups "${as[@]}")
    fi
    "${as[@]}" "$room/bin/vrift" ingest "$room/tree" --name w >/dev/null
    rm "$room/tree/in-force"
    untouched=$(stat -c '%y %z' "$room/tree")
}

rooms=()
remove_rooms() {
    local each
    for each in "${rooms[@]}"; do
        chmod -R u+rwx "$each" 2>/dev/null || :
        rm -rf "$each"
    done
}

# in_workspace COMMAND...: in the workspace, if a file that is nowhere on the disk can be read there.
in_workspace() {
    "${as[@]}" "$room/bin/vrift" run -w w -- sh -c '[ "$(cat "$1")" = "$2" ] || { echo "not in force" >&2; exit 99; }
        shift 2 && exec "$@"' sh "$room/tree/in-force" "$mark" "$@"
}

problem() {
    echo "$*" >&2
    return 1
}

# show_where CHANGES: the workspace was changed at least so often; nothing was made or removed in the real directory; the
# tree is as it was; the store is whole, and nobody else's.
show_where() {
    local changes
    changes=$("${as[@]}" "$room/bin/vrift" list --json | sed -n 's/.*"seq":\([0-9]*\).*/\1/p')
    [ "$changes" -ge "$1" ] || problem "only $changes changes in the workspace" || return 1
    [ "$(stat -c '%y %z' "$room/tree")" = "$untouched" ] || problem "something was made in $room/tree" || return 1
    [ "$("${as[@]}" "$room/bin/vrift" ls -A w)" = in-force ] || problem "left in the workspace: $("${as[@]}" "$room/bin/vrift" ls -A w)" || return 1
    [ "$("${as[@]}" "$room/bin/vrift" cat w:in-force)" = "$mark" ] || problem "in-force was lost" || return 1
    "${as[@]}" "$room/bin/vrift" fsck >"$room/out/fsck" 2>&1 || problem "$(cat "$room/out/fsck")" || return 1
    [ "$(stat -c %a "$room/store")" = 700 ] || problem "the store is open to others" || return 1
    echo "at least $1 changes in the workspace, none on the disk"
}
