#!/bin/sh
# What a program that the library is in asks outside the tree, below one that it cannot be in, is told to nobody: it goes on
# while `vrift run` stands still.
. "$(dirname "$0")/common.sh"
tree() {
    : >a
    mkdir "$ROOM/outside" && echo content >"$ROOM/outside/file" && ln -s file "$ROOM/outside/link"
    program below -static <<'C'
#include <unistd.h>
int main(int count, char **word) { execv(word[1], word + 1); return 9; }
C
    program asks <<'C'
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static volatile pid_t run;
static const char *volatile what = "nothing";
static void late(int signal)
{
    (void)signal;
    if (run) kill(run, SIGCONT);
    write(2, "waits: ", 7);
    write(2, what, strlen(what));
    write(2, "\n", 1);
    _exit(3);
}
#define HAS(call) do { what = #call; if (!(call)) { if (run) kill(run, SIGCONT); fprintf(stderr, "line %d: %s\n", __LINE__, #call); return 4; } } while (0)
static int closed(int fd) { return fd >= 0 && !close(fd); }
static int asks(const char *file, const char *link, const char *missing, const char *made)
{
    struct stat s;
    struct statx x;
    char room[PATH_MAX], *said;
    int fd;
    HAS(!stat(file, &s) && !stat(link, &s) && !lstat(link, &s) && stat(missing, &s));
    HAS(!fstatat(AT_FDCWD, link, &s, 0) && !fstatat(AT_FDCWD, link, &s, AT_SYMLINK_NOFOLLOW));
    HAS(!statx(AT_FDCWD, file, 0, STATX_ALL, &x) && statx(AT_FDCWD, missing, 0, STATX_ALL, &x));
    HAS(!access(file, R_OK) && access(missing, F_OK));
    HAS(!faccessat(AT_FDCWD, file, R_OK, 0) && !eaccess(link, R_OK));
    HAS((fd = open(file, O_RDONLY)) >= 0 && !fstat(fd, &s) && !close(fd));
    HAS(closed(open(link, O_RDONLY)) && open(missing, O_RDONLY) < 0 && open(link, O_NOFOLLOW) < 0);
    HAS(closed(open(made, O_CREAT | O_WRONLY, 0600)) && closed(openat(AT_FDCWD, made, O_RDWR | O_TRUNC)));
    HAS(closed(creat(made, 0600)));
    HAS(realpath(file, room) && realpath(link, room) && !realpath(missing, room));
    HAS((said = canonicalize_file_name(link)) != NULL);
    free(said);
    HAS(getcwd(room, sizeof room));
    return 0;
}
int main(int count, char **word)
{
    char state[300] = "", name[60];
    signal(SIGALRM, late);
    alarm(60);
    HAS(!chdir(word[2]));
    HAS(!asks("file", "link", "missing", "made"));
    if (!strcmp(word[1], "0")) return 0;
    sprintf(name, "/proc/%s/stat", word[1]);
    int look = open(name, O_RDONLY);
    HAS(look >= 0);
    run = atoi(word[1]);
    HAS(!kill(run, SIGSTOP));
    for (what = "the stop"; !strstr(state, ") T "); usleep(1000)) pread(look, state, 299, 0);
    char file[PATH_MAX], link[PATH_MAX], missing[PATH_MAX], made[PATH_MAX];
    sprintf(file, "%s/file", word[2]);
    sprintf(link, "%s/link", word[2]);
    sprintf(missing, "%s/missing", word[2]);
    sprintf(made, "%s/made", word[2]);
    int code = asks(file, link, missing, made);
    if (!code) code = asks("file", "link", "missing", "made");
    kill(run, SIGCONT);
    return code;
}
C
}
body() {
    if native; then run=0; else run=$PPID; fi
    "$PROGRAMS/below" "$PROGRAMS/asks" "$run" "$ROOM/outside" 2>"$ROOM/said" || fail "ended with $?: $(cat "$ROOM/said")"
}
play "$@"
