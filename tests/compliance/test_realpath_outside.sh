#!/bin/sh
# realpath outside a tree says what the C library says: results, errors, and what is left in the room behind them.
. "$(dirname "$0")/common.sh"
asked() {
    cd "$ROOM/outside" || return
    "$PROGRAMS/names" "$ROOM/outside" <"$ROOM/names"
    cd above/beneath || return
    "$PROGRAMS/names" "$ROOM/outside" <"$ROOM/names"
}
tree() {
    : >a
    mkdir -p "$ROOM/outside/above/beneath/deep" "$ROOM/outside/closed/inner"
    cd "$ROOM/outside"
    : >file && : >above/file && : >closed/inner/file
    ln -s file link && ln -s above/beneath to-directory && ln -s "$ROOM/outside/above" absolute && ln -s loop loop
    ln -s one two && ln -s two one && ln -s nowhere dangling && ln -s .. up && ln -s file/ to-slash && ln -s / to-root
    ln -s above/beneath/../file to-dots && ln -s closed/inner through-closed
    long=$(awk 'BEGIN { for (i = 0; i < 255; i++) printf "n" }')
    # 41 links behind each other, of which the last is one too many.
    ln -s file l0 && i=0 && while [ $i -lt 41 ]; do ln -s "l$i" "l$((i + 1))" && i=$((i + 1)); done
    cat >"$ROOM/names" <<NAMES

/
//
/.
/..
/../..
//tmp//..//
file
file/
file/.
file/..
file/../file
file/x
file/./x
file//
./file
././/file
../outside/file
link
link/
link/.
link/..
link/x
to-directory
to-directory/
to-directory/.
to-directory/..
to-directory/../file
to-directory//deep/./..
to-directory/deep/x
to-directory/deep/x/y
absolute/beneath
absolute/../link
absolute/missing
absolute/missing/
absolute/missing/.
absolute/missing/..
loop
loop/x
loop/..
one
dangling
dangling/
dangling/x
up
up/outside/up/outside/file
to-slash
to-root
to-root/to-root
to-root/tmp
to-dots
to-dots/
through-closed
through-closed/file
closed
closed/
closed/.
closed/..
closed/inner
closed/inner/..
closed/./inner
closed/missing
l39
l40
l41
l41/x
$long
${long}n
${long}n/..
$long/..
above/${long}n
file/${long}n
above/beneath/deep
above/beneath/deep/../../../file
.
..
../..
.../x
$ROOM/outside/link
$ROOM/outside/missing
$ROOM/outside//above/./beneath/../file
$ROOM/nothing/at/all
/dev/null
/dev/stdin/x
/proc/version
/proc/self
/proc/self/root
/proc/nothing
/usr/lib/../bin
/usr//bin/.
/bin
/bin/sh
/lib/nothing
NAMES
    # Paths that are too long for the kernel, as they stand or on their way.
    awk 'BEGIN { for (i = 0; i < 2100; i++) printf "./"; print "file"
        for (i = 0; i < 900; i++) printf "above/../"; print "file"
        for (i = 0; i < 4200; i++) printf "/"; print "tmp"
        for (i = 0; i < 1400; i++) printf "up/outside/"; print "file" }' >>"$ROOM/names"
    chmod 600 closed
    program names <<'C'
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static void one(const char *name)
{
    char room[PATH_MAX + 1], *said;
    memset(room, '#', sizeof room);
    room[PATH_MAX] = 0;
    errno = 0;
    said = realpath(name, room);
    printf("%.60s: ", name);
    if (said) printf("%s", said == room ? room : "elsewhere");
    // What is left there is said of these two errors only.
    else if (errno == ENOENT || errno == EACCES) printf("errno %d at '%.*s'", errno, (int)strnlen(room, 200), room);
    else printf("errno %d", errno);
    errno = 0;
    said = realpath(name, NULL);
    printf(said ? " or %s" : " or none", said);
    printf(said ? "" : " %d", errno);
    errno = 0;
    said = canonicalize_file_name(name);
    printf(said ? " or %s" : " or none", said);
    printf(said ? "\n" : " %d\n", errno);
}
static void in_child(void (*change)(void))
{
    pid_t child = fork();
    if (!child) {
        change();
        _exit(0);
    }
    waitpid(child, NULL, 0);
}
static void to_link(void) { rename("changing", "elsewhere"), symlink("elsewhere", "changing"); }
static void to_directory(void) { unlink("changing"), rename("elsewhere", "changing"); }
static void away(void) { unlink("changing/file"); }
/* What another process has changed is seen at once, however short ago it was asked for. */
static void changing(void)
{
    static char path[5000], missing[5000];
    if (!getcwd(path, 4000)) return;
    strcat(path, "/changing/file");
    strcat(strcpy(missing, path), "/../beside/missing");
    for (int i = 0; i < 20; i++) {
        mkdir("changing", 0700);
        close(open("changing/file", O_CREAT | O_RDWR, 0600));
        one(path), one(missing);
        in_child(to_link);
        one(path), one(missing);
        in_child(to_directory);
        one(path);
        in_child(away);
        one(path), one(missing);
        rmdir("changing");
        one(path);
    }
}
int main(int count, char **word)
{
    static char line[20000];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        // That of /proc/self differs.
        if (strcmp(line, "/proc/self")) one(line);
    }
    changing();
    mkdir("removed", 0700);
    chdir("removed");
    rmdir("../removed");
    one("file");
    one(".");
    one("/tmp");
    return 0;
}
C
    (asked) >"$ROOM/natively"
}
body() { (asked) >"$ROOM/here"; diff "$ROOM/natively" "$ROOM/here" >"$ROOM/differs" || fail "$(head -n 4 "$ROOM/differs")"; }
after() { chmod 700 "$ROOM/outside/closed"; }
play "$@"
