# Sourced by the scripts that build whole programs natively and in workspaces, and compare what comes out.

# told DIRECTORY [PATTERN...]: everything that is there, one line each: name, kind, mode, target of a link, names of the
# file; and of each file the hash of its bytes. What a pattern (of `find -path`) matches is left out.
told() {
    local left_out=() pattern
    for pattern in "${@:2}"; do
        left_out+=(-path "./$pattern" -prune -o)
    done
    (
        cd "$1"
        find . "${left_out[@]}" -type f -printf '%p %y %m %n\n' -o "${left_out[@]}" -printf '%p %y %m %l\n' | sort
        find . "${left_out[@]}" -type f -print0 | sort -z | xargs -0r sha256sum
    )
}

# same A B [PATTERN...]: whether two directories hold the same. Says what differs.
same() { diff <(told "$1" "${@:3}") <(told "$2" "${@:3}"); }

# ingested SOURCE DIRECTORY WORKSPACE [OPTION...]: a copy of the source as a workspace, and nothing of it on the disk.
ingested() {
    cp -a "$1" "$2"
    "$vrift" ingest "$2" --name "$3" "${@:4}" >"$room/ingest.log"
    put_aside "$2"
    mkdir "$2"
}

# put_aside PATH: it is removed at the end, with the room.
put_aside() {
    mkdir -p "$room/aside"
    mv "$1" "$(mktemp -d "$room/aside/XXXXXX")/"
}

# A directory's own times and whether it is empty: nothing was ever made in it if they stay.
untouched() { stat -c '%i %y %z' "$1" && ls -A "$1"; }
