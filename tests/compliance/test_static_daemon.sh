#!/bin/sh
# A static program that goes on when the command has ended, or `vrift run` was killed: it opens, writes and lists as before, what it
# wrote is there afterwards, and when it has ended no process of ours is left.
. "$(dirname "$0")/common.sh"
tree() {
    echo content >a
    mkdir d
    program serves -static <<'C'
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void end(const char *what)
{
    char name[4096];
    snprintf(name, sizeof name, "%s/wrong", getenv("SAYS"));
    FILE *file = fopen(name, "w");
    if (file) fprintf(file, "%s: %s\n", what, strerror(errno)), fclose(file);
    exit(1);
}
#define HAS(what) if (!(what)) end(#what)
static void said(const char *name)
{
    char path[4096];
    struct stat s;
    snprintf(path, sizeof path, "%s/%s", getenv("SAYS"), name);
    for (int i = 0; stat(path, &s); i++) {
        HAS(errno == ENOENT && i < 20000);
        usleep(2000);
    }
}
static void says(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("SAYS"), name);
    int fd = open(path, O_CREAT | O_WRONLY, 0644);
    HAS(fd >= 0 && !close(fd));
}
int main(int count, char **word)
{
    char line[20] = "", name[40];
    int round = 0;
    if (fork()) return 0;
    setsid();
    if (fork()) return 0;
    for (int fd = 0; fd < 10; fd++) close(fd);
    says("begun");
    for (char *each = "123"; *each; each++) {
        snprintf(name, sizeof name, "go%c", *each);
        said(name);
        int fd = open("a", O_RDONLY);
        HAS(fd >= 0 && read(fd, line, 8) == 8 && !strcmp(line, "content\n") && !close(fd));
        snprintf(name, sizeof name, "d/new%c", *each);
        HAS(!mkdir(name, 0755) && !chdir(name));
        HAS((fd = open("file.part", O_CREAT | O_EXCL | O_WRONLY, 0640)) >= 0);
        HAS(write(fd, each, 1) == 1 && !fsync(fd) && !close(fd) && !rename("file.part", "file"));
        HAS(!link("file", "../../linked") && !unlink("../../linked") && !chdir("../.."));
        DIR *directory = opendir("d");
        HAS(directory);
        int names = 0;
        while (readdir(directory)) names++;
        HAS(!closedir(directory) && names == 2 + ++round);
        snprintf(name, sizeof name, "done%c", *each);
        says(name);
    }
    return 0;
}
C
    # Whether something is there, and what it is: also for who is in no workspace.
    cat >"$PROGRAMS/wait" <<'SH'
i=0
while ! [ -e "$1" ]; do
    if [ -e "${1%/*}/wrong" ]; then cat "${1%/*}/wrong" >&2; exit 1; fi
    i=$((i + 1))
    if [ $i -gt 3000 ]; then echo "$1 does not come" >&2; exit 1; fi
    sleep 0.01
done
SH
}
body() {
    export SAYS="$ROOM/says"
    mkdir "$SAYS"
    "$PROGRAMS/serves"
    sh "$PROGRAMS/wait" "$SAYS/begun"
    : >"$SAYS/go1"
    sh "$PROGRAMS/wait" "$SAYS/done1"
    is d/new1/file 1
}
# The daemon, and what answers for it.
ours() {
    for about in /proc/[0-9]*; do
        case $(cat "$about/comm" 2>/dev/null) in serves | vrift) ;; *) continue ;; esac
        if cat "$about/environ" 2>/dev/null | tr '\0' '\n' | grep -q "^ROOM=$ROOM\$"; then echo "${about##*/}"; fi
    done
}
after() {
    says=$ROOM/says
    : >"$says/go2"
    sh "$PROGRAMS/wait" "$says/done2" || fail "$(cat "$says/wrong" 2>/dev/null)"
    if ! native; then
        is_2=$("$VRIFT_BIN" cat w:d/new2/file) && same "what the daemon wrote" "$is_2" 2
        "$VRIFT_BIN" gc --grace 0 >/dev/null
        "$VRIFT_BIN" gc --grace 0 >/dev/null
        "$VRIFT_BIN" fsck >/dev/null || fail "fsck"
    fi
    : >"$says/go3"
    sh "$PROGRAMS/wait" "$says/done3" || fail "$(cat "$says/wrong" 2>/dev/null)"
    i=0
    while [ -n "$(ours)" ]; do
        i=$((i + 1))
        [ $i -lt 3000 ] || fail "still there: $(ours | tr '\n' ' ')"
        sleep 0.01
    done
    if ! native; then
        [ -z "$(on_disk)" ] || fail "on the disk: $(on_disk | tr '\n' ' ')"
        is_3=$("$VRIFT_BIN" cat w:d/new3/file) && same "what the daemon wrote last" "$is_3" 3
        "$VRIFT_BIN" fsck >/dev/null || fail "fsck"
    fi
}
play "$@"
