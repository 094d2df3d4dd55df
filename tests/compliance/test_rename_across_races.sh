#!/bin/sh
# Files that are replaced or written while a rename takes them across the tree's border: whoever was told that it worked
# finds what he wrote, under the one name or the other. (Who has found a file outside by its name, and has not come as far as
# being noticed when that name goes, writes what nobody can find any more: see SHORTCOMINGS. It happens once in tens of
# thousands of rounds on a busy machine; without any care it happens in every tenth.)
. "$(dirname "$0")/common.sh"
tree() { mkdir in "$ROOM/out"; chmod 777 "$ROOM/out"; program across -lpthread <<'C'
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
static char from[4200], to[4200], fresh[4200];
static int replaces;
static pthread_barrier_t both;
static volatile int wrote, stop, wait;
static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd)) { perror(path); exit(20); }
}
/* The text, or an empty one if there is no such file. */
static const char *get(const char *path, char *room)
{
    int fd = open(path, O_RDONLY);
    ssize_t length = fd < 0 ? 0 : read(fd, room, 63);
    if (fd >= 0) close(fd);
    else if (errno != ENOENT) { perror(path); exit(21); }
    room[length < 0 ? 0 : length] = 0;
    return room;
}
static void *other(void *unused)
{
    for (;;) {
        pthread_barrier_wait(&both);
        if (stop) return NULL;
        for (volatile int i = 0; i < wait; i++);
        if (replaces) {
            wrote = !rename(fresh, from);
        } else {
            int fd = open(from, O_WRONLY | O_APPEND);
            wrote = fd >= 0 && write(fd, "2", 1) == 1;
            if (fd >= 0 && close(fd)) exit(22);
        }
        pthread_barrier_wait(&both);
    }
}
int main(int count, char **arguments)
{
    pthread_t t;
    char one[64], two[64];
    int moves = 0, refusals = 0, longest = 1000, unnoticed = 0;
    replaces = atoi(arguments[3]);
    snprintf(from, sizeof from, "%s/f", arguments[1]);
    snprintf(fresh, sizeof fresh, "%s/fresh", arguments[1]);
    snprintf(to, sizeof to, "%s/f", arguments[2]);
    pthread_barrier_init(&both, NULL, 2);
    pthread_create(&t, NULL, other, NULL);
    for (int round = 0; round < 1500; round++) {
        put(from, "1");
        if (replaces) put(fresh, "2");
        unlink(to);
        wait = rand() % longest;
        pthread_barrier_wait(&both);
        int moved = !rename(from, to);
        if (!moved && errno != EXDEV && errno != ENOENT) { perror("rename"); return 1; }
        pthread_barrier_wait(&both);
        if (moved) moves++; else refusals++;
        /* About as often too early as too late, however fast this machine is. */
        if (strchr(get(to, two), '2')) longest += longest / 8 + 1; else if (longest > 400000) longest /= 2; else longest += longest / 9;
        get(from, one);
        if (wrote && !strchr(one, '2') && !strchr(two, '2')) {
            printf("round %d, moved %d: '%s' and '%s'\n", round, moved, one, two);
            if (replaces || ++unnoticed > atoi(arguments[4])) return 2;
        }
        if (!*one && !*two) return 3;
        if (moved && !*two) return 4;
    }
    stop = 1;
    pthread_barrier_wait(&both);
    pthread_join(t, NULL);
    printf("%d moves, %d refusals\n", moves, refusals);
    return 0;
}
C
}
body() {
    for replaces in 1 0; do
        "$PROGRAMS/across" in "$ROOM/out" $replaces 0 || fail "out, replaces $replaces: $?"
        "$PROGRAMS/across" "$ROOM/out" in $replaces 2 || fail "in, replaces $replaces: $?"
    done
    same "left in the tree" "$(ls -A in | grep -v '^f')" ""
    same "left outside" "$(ls -A "$ROOM/out" | grep -v '^f')" ""
}
play "$@"
