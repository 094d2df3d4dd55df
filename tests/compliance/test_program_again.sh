#!/bin/sh
# A program that one process starts again and again by the same path is what lies there each time.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir d
    printf '#!/bin/sh\necho tree\n' >d/prog
    chmod +x d/prog
    for name in one two; do
        program $name <<C
#include <stdio.h>
int main(void) { puts("$name"); return 0; }
C
    done
    printf '#!/bin/sh\necho "${1:-make}" >"$ROOM/ask"\nread -r told <"$ROOM/told"\nexit "$told"\n' >"$PROGRAMS/stale"
    chmod +x "$PROGRAMS/stale"
    program again <<'C'
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static void start(char *path, char *argument) {
    char *words[] = { path, argument, NULL };
    pid_t pid;
    int status = 1;
    if (posix_spawn(&pid, path, NULL, NULL, words, environ) || waitpid(pid, &status, 0) < 0 || status) _exit(9);
}
int main(int count, char **word) {
    char *path = word[1], *stale = word[2];
    for (int i = 0; i < 3; i++) start(path, NULL);
    if (rename("second/prog", "first/prog")) return 1;
    for (int i = 0; i < 2; i++) start(path, NULL);
    if (stale) start(stale, NULL);
    for (int i = 0; i < 2; i++) start(path, NULL);
    if (symlink(getenv("TREE_D"), "new") || rename("new", "link")) return 2;
    for (int i = 0; i < 2; i++) start(path, NULL);
    if (stale) start(stale, "remove");
    start(path, NULL);
    if (unlink("link") || symlink("first", "link")) return 3;
    start(path, NULL);
    return 0;
}
C
}
# Puts the program into the real directory by a second name.
stranger() {
    cd "$TREE"
    case $1 in
    make) mkdir d && ln ../outside/first/prog d/prog ;;
    remove) rm -r d ;;
    esac
}
body() {
    mkdir "$ROOM/outside" "$ROOM/outside/first" "$ROOM/outside/second"
    cd "$ROOM/outside"
    cp "$PROGRAMS/one" first/prog
    cp "$PROGRAMS/two" second/prog
    ln -s first link
    set -- "$ROOM/outside/link/prog"
    if ! native; then set -- "$1" "$PROGRAMS/stale"; fi
    said=$(TREE_D="$TREE/d" "$PROGRAMS/again" "$@" | tr '\n' ' ')
    same said "$said" 'one one one two two two two tree tree tree two '
}
play "$@"
