# Sourced by every script here. A script defines
#   tree    makes the starting tree, in the current directory, before it becomes a workspace
#   body    what is to be shown; runs in the workspace, at the tree's root. The first command that fails ends it
#   after   (optional) what has to be true outside and afterwards
#   stranger WORD   (optional) what somebody does who is in no workspace, when the body says `beside WORD`
# and ends with `play "$@"`. One line comes out: `ok NAME` or `FAIL NAME: why`.
#
# Before the body it is shown that the workspace is in force: a file that is nowhere on the disk can be read; and before
# and after it nothing of the tree is on the disk.
#
#   VRIFT_BIN                   the command
#   VRIFT_COMPLIANCE_NATIVE=1   the same on a real directory: whether the kernel does what is expected here
#   VRIFT_COMPLIANCE_LOG=1      also print what was executed
set -u
name=$(basename "$0" .sh)
user=12345

after() { :; }

# Ends the script: it failed, and this is why.
fail() {
    echo "$*" >"$ROOM/why"
    exit 1
}

# same WHAT GOT WANTED
same() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }

# is PATH CONTENT
is() { same "content of $1" "$(cat "$1")" "$2"; }

# refused MESSAGE COMMAND...: the command fails and says why.
refused() {
    message=$1
    shift
    if said=$(LC_ALL=C "$@" 2>&1); then fail "'$*' was not refused"; fi
    case $said in *"$message"*) ;; *) fail "'$*' said '$said' instead of '$message'" ;; esac
}

there() { [ -e "$1" ] || [ -L "$1" ] || fail "$1 is not there"; }
gone() { if [ -e "$1" ] || [ -L "$1" ]; then fail "$1 is still there"; fi; }

# mtime PATH, mode PATH, inode PATH
mtime() { stat -c %Y "$1"; }
mode() { stat -c %a "$1"; }
inode() { stat -c %i "$1"; }

# What others see of a file: through the command, not through the library.
outside() {
    if native; then cat "$TREE/$1"; else env -u LD_PRELOAD -u VRIFT_SESSION "$VRIFT_BIN" cat "w:$1"; fi
}

native() { [ "${VRIFT_COMPLIANCE_NATIVE:-}" = 1 ]; }

# program NAME [OPTION...]: compiles standard input as C; afterwards `$PROGRAMS/NAME` can be run.
program() {
    cat >"$PROGRAMS/$1.c"
    source=$1
    shift
    gcc -O1 -w -D_GNU_SOURCE -o "$PROGRAMS/$source" "$PROGRAMS/$source.c" "$@" || fail "$source does not compile"
}

python() { /usr/bin/python3 -B "$@"; }

# lines N: so many lines.
lines() { awk "BEGIN { for (i = 0; i < $1; i++) print \"line\", i }"; }

# Time goes on by more than what any clock of files is coarse.
tick() { sleep 0.03; }

# Has somebody do it who is in no workspace, and to whom the tree is the real directory.
beside() { echo "$1" >"$ROOM/ask" && read -r told <"$ROOM/told" && [ "$told" = 0 ]; }

has_stranger() { command -v stranger >/dev/null; }

# Does what is asked for, until the end.
listen() {
    while read -r word <"$ROOM/ask"; do
        if (set -e && stranger "$word"); then echo 0; else echo 1; fi >"$ROOM/told"
    done
}

on_disk() { (cd "$TREE" && ls -A); }

play() {
    if [ "${1:-}" = inside ]; then
        inside
    fi
    umask 022
    script=$(cd "$(dirname "$0")" && pwd)/$name.sh
    if [ -z "${ROOM:-}" ]; then
        ROOM=$(mktemp -d "${TMPDIR:-/tmp}/vc.XXXXXX") && ROOM=$(cd "$ROOM" && pwd -P) && [ -n "$ROOM" ] || exit 2
        export ROOM
        chmod 755 "$ROOM"
        trap 'chmod -R u+rwx "$ROOM" 2>/dev/null; rm -rf "$ROOM"' EXIT
    fi
    if [ "${needs_user:-}" = 1 ] && [ "$(id -u)" -eq 0 ]; then
        chown "$user:$user" "$ROOM"
        setpriv --reuid "$user" --regid "$user" --clear-groups "$script"
        exit
    fi
    TREE=$ROOM/tree PROGRAMS=$ROOM/bin VRIFT_HOME=$ROOM/store HOME=$ROOM
    export TREE PROGRAMS VRIFT_HOME HOME
    unset XDG_RUNTIME_DIR VRIFT_SESSION 2>/dev/null || :
    mkdir "$TREE" "$PROGRAMS"
    if has_stranger && ! native; then
        mkfifo "$ROOM/ask" "$ROOM/told"
        listen </dev/null >/dev/null 2>&1 &
        listener=$!
    fi
    (outer) >"$ROOM/log" 2>&1
    status=$?
    [ "${VRIFT_COMPLIANCE_LOG:-}" != 1 ] || cat "$ROOM/log" >&2
    if [ "$status" -eq 0 ]; then
        echo "ok $name"
    else
        why=$(cat "$ROOM/why" 2>/dev/null || tail -n 2 "$ROOM/log" | tr '\n' ' ' | cut -c 1-300)
        echo "FAIL $name: $why"
    fi
    [ -z "${listener:-}" ] || kill "$listener" 2>/dev/null || :
    native || "$VRIFT_BIN" drop -y w >/dev/null 2>&1 || "$VRIFT_BIN" drop w >/dev/null 2>&1 || :
    exit "$status"
}

outer() {
    mark=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
    export mark
    cd "$TREE" || exit 1
    echo "$mark" >.in-force
    (set -e && tree) || fail "the starting tree cannot be made"
    cd "$ROOM" || exit 1
    if native; then
        (cd "$TREE" && timeout 200 "$script" inside) || exit 1
    else
        "$VRIFT_BIN" ingest "$TREE" --name w >/dev/null || fail "ingest failed"
        find "$TREE" -type d -exec chmod u+rwx {} +
        rm -rf "$TREE"
        mkdir "$TREE"
        timeout 200 "$VRIFT_BIN" run -w w -- "$script" inside
        code=$?
        [ "$code" -eq 0 ] || { [ -e "$ROOM/why" ] || tail -n 1 "$ROOM/log"; echo "vrift run: $code"; exit 1; }
        [ -z "$(on_disk)" ] || fail "on the disk: $(on_disk | tr '\n' ' ')"
    fi
    (set -e && after) || exit 1
}

inside() {
    cd "$TREE" 2>/dev/null || fail "not in force: there is no $TREE"
    [ "$(cat .in-force 2>/dev/null)" = "$mark" ] || fail "not in force: .in-force cannot be read"
    set -ex
    body
    exit 0
}
