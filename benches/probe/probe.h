/* What the files of the probe share. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HOT = 100, EACH = 100, LISTED = 1000, PATH = 256 };

/* The arguments: the tree, the first number of names that are used up, how many operations. */
extern const char *root;
extern long first, count;
/* Paths that were made beforehand. */
extern char (*paths)[PATH];
extern int processor_time;
/* Directories of `many`. */
extern long directories;

void fail(const char *what);
double now(void);
unsigned long next_random(void);
void name_random(const char *form);
/* stat of so many `paths` in turn. */
double stats(long modulus, int expected);
double anonymous(void);

/* Of growth.c. */
double stat_spread(void);
double stat_near(void);
double memory_spread(void);
double crowd_reads(void);
double crowd_changes(void);
double crowd_both(void);
