#!/bin/sh
# The directories between a mount path and what is on the disk are there, hold the way to the tree, and take nothing new.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir -p sub/deep
    echo x >f
    echo 'int shared(void);' >shared.h
    printf '#include "shared.h"\nint main(void) { return 0; }\n' >sub/deep/main.c
    printf 'all:\n\t@echo made in $(CURDIR)\n' >Makefile
    cat >"$ROOM/inner.sh" <<'SH'
cd "$at"
[ "$(cat f)" = x ]
if [ "${VRIFT_COMPLIANCE_NATIVE:-}" != 1 ]; then "$PROGRAMS/probe" "$ROOM/real/no/where" "$at"; fi
cd ..
[ "$(pwd -P)" = "$ROOM/real/no/where" ]
[ "$(/bin/pwd)" = "$ROOM/real/no/where" ]
[ "$(ls)" = tree ]
[ "$(cat tree/f)" = x ]
cd ..
[ "$(/bin/pwd)" = "$ROOM/real/no" ]
[ "$(ls -A)" = where ]
[ "$(find . -name f)" = ./where/tree/f ]
cd ..
[ "$(/bin/pwd)" = "$ROOM/real" ]
[ "$(ls -A | sort | tr '\n' ' ')" = 'no other ' ]
[ "$(echo *)" = 'no other' ]
[ "$(echo */*/tree/f)" = no/where/tree/f ]
[ "$(find . -name f)" = ./no/where/tree/f ]
[ "$(/usr/bin/python3 -c 'import os; print(sorted(os.listdir(".")), os.path.realpath("no/../no/where/tree/./f"))')" = "['no', 'other'] $at/f" ]
[ "$(cat other no/where/../../other)" = "other
other" ]
cd "$at/sub/deep"
[ "$(realpath ../../..)" = "$ROOM/real/no/where" ]
[ "$(realpath "$at/..//./tree/f")" = "$at/f" ]
[ "$(readlink -f "$ROOM/real/./no/where/tree/../tree/f")" = "$at/f" ]
[ "$(stat -c %F ../../..)" = directory ]
[ "$(cat ../../../../../other)" = other ]
[ -d "$ROOM/real/no" ]
[ ! -e "$ROOM/real/no/f" ]
[ ! -e "$ROOM/real/no/tree" ]
gcc -I ../.. -I ../../../../.. -c main.c -o main.o -MMD
[ "$(cat main.d)" = 'main.o: main.c ../../shared.h' ]
rm main.o main.d
[ "$(make -s -C ../..)" = "made in $at" ]
cd "$ROOM/real/no"
[ "$(make -s -C where/tree)" = "made in $at" ]
cd "$at/sub"
if git rev-parse --show-toplevel 2>"$ROOM/said"; then exit 1; fi
grep -q 'not a git repository' "$ROOM/said"
mkdir -p "$at/../tree/made/of"
rmdir "$at/made/of" "$at/made"
[ "$(/bin/pwd)" = "$at/sub" ]
SH
}
probe() {
    program probe <<'C'
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define MUST(x) do { errno = 0; if (!(x)) { printf("%d: %s: %s\n", __LINE__, #x, strerror(errno)); return 1; } } while (0)
int main(int count, char **path) {
    struct stat above, again, in, up;
    char here[4096];
    const char *dir = path[1], *tree = path[2];
    MUST(stat(dir, &above) == 0 && S_ISDIR(above.st_mode) && (above.st_mode & 07777) == 0755 && above.st_nlink == 3);
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    MUST(fd >= 0);
    MUST(fstat(fd, &again) == 0 && again.st_ino == above.st_ino && again.st_dev == above.st_dev);
    MUST(fstatat(fd, "gone", &in, 0) == -1 && errno == ENOENT);
    MUST(fstatat(fd, "..", &up, 0) == 0 && S_ISDIR(up.st_mode));
    MUST(stat(tree, &in) == 0);
    MUST(fstatat(fd, "tree", &again, 0) == 0 && again.st_ino == in.st_ino && again.st_dev == in.st_dev);
    MUST(openat(fd, "tree/f", O_RDONLY) >= 0);
    MUST(open(dir, O_RDWR) == -1 && errno == EISDIR);
    MUST(fchdir(fd) == 0 && getcwd(here, sizeof here) && !strcmp(here, dir));
    MUST(access("tree/f", R_OK) == 0 && access(".", R_OK | X_OK) == 0);
    MUST(stat(".", &again) == 0 && again.st_ino == above.st_ino);
    MUST(stat("tree/..", &again) == 0 && again.st_ino == above.st_ino);
    MUST(chdir("..") == 0 && getcwd(here, sizeof here) && chdir(dir) == 0);
    DIR *all = fdopendir(fd);
    MUST(all);
    int seen = 0, others = 0;
    for (struct dirent *entry; (entry = readdir(all));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (!strcmp(entry->d_name, "tree") && entry->d_ino == in.st_ino && entry->d_type == DT_DIR) seen++; else others++;
    }
    MUST(seen == 1 && others == 0);
    int refused = geteuid() ? EACCES : EPERM;
    MUST(mkdir("new", 0755) == -1 && errno == refused);
    MUST(mkdir("tree", 0755) == -1 && errno == EEXIST);
    MUST(open("new", O_CREAT | O_WRONLY, 0644) == -1 && errno == refused);
    MUST(symlink("a", "new") == -1 && errno == refused);
    MUST(rename("tree/f", "new") == -1 && errno == EXDEV);
    MUST(link("tree/f", "new") == -1 && errno == EXDEV);
    MUST(unlink("gone") == -1 && errno == ENOENT);
    MUST(rmdir("tree") == -1 && (errno == ENOTEMPTY || errno == EACCES || errno == EBUSY));
    MUST(chmod(".", 0777) == -1 && errno == EPERM);
    return 0;
}
C
}
body() {
    # A second workspace, seen where nothing is on the disk: two directories of its path are not there either.
    mkdir "$ROOM/real"
    echo other >"$ROOM/real/other"
    cp -r "$TREE/." "$ROOM/copy"
    probe
    at=$ROOM/real/no/where/tree
    export at
    if native; then
        mkdir -p "$at" && cp -r "$ROOM/copy/." "$at"
        sh -ex "$ROOM/inner.sh"
        return
    fi
    outside_of_it "$VRIFT_BIN" ingest "$ROOM/copy" --name v --at "$at" >/dev/null
    outside_of_it "$VRIFT_BIN" run -w v -- sh -ex "$ROOM/inner.sh"
    same disk "$(outside_of_it ls -A "$ROOM/real")" other
    outside_of_it "$VRIFT_BIN" drop v >/dev/null
}
outside_of_it() { env -u LD_PRELOAD -u VRIFT_SESSION "$@"; }
play "$@"
