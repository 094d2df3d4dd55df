/* The player of the oracle: plays a script of libc calls, one a line, and prints one line of result for each.
 *
 * It is linked dynamically and calls libc's functions by their names, so that a preloaded library sees every one. */
#ifndef PLAYER_H
#define PLAYER_H

#define _GNU_SOURCE 1
#define _LARGEFILE64_SOURCE 1

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "absent.h"

#define SLOTS 16     /* of each kind: descriptors, streams, directory streams */
#define ARGUMENTS 32
#define TEXT 12000   /* the longest argument after expansion */
#define RESULT 262144

/* One line of a script being played, with the room for its arguments and for what it answers. */
struct call {
    int count;
    char *argument[ARGUMENTS];
    char expanded[ARGUMENTS][TEXT];
    char result[RESULT];
    size_t length;
    int kept; /* errno was as before after a success */
};

typedef void action(struct call *);

/* An operation: its name is the function's where there is one; `family` is its row in the matrix; `signature` says
 * what the generator has to give it, one letter an argument (see generate.rs). */
struct operation {
    const char *name;
    const char *family;
    const char *signature;
    action *act;
};

extern const struct operation opening[], looking[], listing[], changing[], moving[], describing[], running[], odd[], further[], talking[];

extern int descriptor[SLOTS];
extern FILE *stream[SLOTS];
extern DIR *directory[SLOTS];

/* values.c: what the words of a script mean. */
void expand(const char *word, char *text, size_t room);
void set_roots(const char *base);
const char *root_path(void);
char *path(struct call *, int place);
int fd(struct call *, int place);
int dir_fd(struct call *, int place);
int slot(struct call *, int place);
long number(struct call *, int place);
const char *bytes(struct call *, int place, size_t *length);
void moment(struct call *, int place, struct timespec *time);
const struct operation *operation(const char *name);

/* show.c: what a result looks like. */
void say(struct call *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_errno(struct call *);
void say_path(struct call *, const char *path);
void say_bytes(struct call *, const void *bytes, size_t length);
void say_time(struct call *, long seconds, long nanoseconds);
void say_number(struct call *, long result);
void say_done(struct call *, long result);
void say_fd(struct call *, int place, int fd);
void end_reading(int writer);
void end_reading_by_path(const char *path);
struct shape {
    mode_t mode;
    nlink_t nlink;
    uid_t uid;
    gid_t gid;
    off_t size;
    dev_t device, special;
    ino_t inode;
    struct timespec accessed, modified;
};
void say_shape(struct call *, const struct shape *);

/* tree.c: the whole tree as one line, and which nodes a call has touched. */
void say_tree(struct call *, const char *top);
void remember_tree(void);
void let_time_pass(void);
void say_touched(struct call *);

/* odd.c */
struct sockaddr_un;
socklen_t address(struct call *, int place, struct sockaddr_un *name);
/* play.c */
void play_one(struct call *);
void take_slot(int place, int fd);
extern void *shared; /* memory that a forked child shares */
extern int skip_access_times;
extern int at_random; /* the script was made by chance */
extern int has_locked; /* it has taken locks */

#define COUNT(list) (sizeof(list) / sizeof(*(list)))
#define END { NULL, NULL, NULL, NULL }

#endif
