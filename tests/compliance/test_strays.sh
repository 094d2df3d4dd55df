#!/bin/sh
# What is made in a directory of the tree by calls that no library sees (gmon.out, a core) is in the tree, and the directory stays what it is.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir -p d/below
    printf 'int work(int n) { return n > 1 ? work(n - 1) + work(n - 2) : 1; }\nint main(void) { return work(20) == 0; }\n' >d/p.c
    echo 'int main(void) { __builtin_trap(); }' >crash.c
}
body() {
    exec 7<d
    cd d
    gcc -pg p.c -o p
    ./p
    # Another program sees it, and all that is there besides.
    cat p.c >copied
    there copied
    gprof ./p gmon.out | grep -q work || fail 'there is no profile'
    same list "$(ls)" "$(printf 'below\ncopied\ngmon.out\np\np.c')"
    # Who has the directory open, or comes into it, finds the same one.
    rm gmon.out
    ./p
    python -c 'import os; assert os.stat("p.c", dir_fd=7).st_size; assert "p" in os.listdir(7)'
    [ "$(cat p.c)" = "$(cat copied)" ]
    same listed "$(python -c 'import os; print(sorted(os.listdir(7)), os.stat("p.c", dir_fd=7).st_size > 0)')" \
        "['below', 'copied', 'gmon.out', 'p', 'p.c'] True"
    ./p
    cd ..
    cd d/below/..
    there gmon.out
    rm gmon.out
    ./p
    cd "$TREE"
    same listed "$(cd d && ls)" "$(printf 'below\ncopied\ngmon.out\np\np.c')"
    # A core, if the kernel leaves it there.
    ulimit -S -c unlimited || return 0
    gcc crash.c -o crash
    mkdir e
    cd e
    echo kept >kept
    (../crash) || echo crashed
    is kept kept
    case $(cat /proc/sys/kernel/core_pattern) in
    core) [ "$(find . -name 'core*' -size +0 | wc -l)" = 1 ] || fail "there is no core: $(ls)" ;;
    esac
    echo more >>kept
    cd ..
    same content "$(cat e/kept | tr '\n' ' ')" 'kept more '
}
after() { outside d/gmon.out >"$ROOM/profile" && [ -s "$ROOM/profile" ]; }
play "$@"
