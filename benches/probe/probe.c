/* One loop a case, over libc's functions, so that a preloaded library sees them. Prints nanoseconds per operation.
 *
 *   probe CASE ROOT FIRST COUNT [PROGRAM ARGUMENT...]
 *
 * ROOT is a tree as the runner makes it. FIRST is the first number of names that are used up; COUNT operations are made.
 */
#include "probe.h"

extern char **environ;

const char *root;
long first, count;
char (*paths)[PATH];
long directories = 1000;
static char bytes[65536];

void fail(const char *what) {
    fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Nanoseconds of the wall's clock, or, for a machine that is busy with other things, of processor time: of this process
 * and of its children that have ended. */
int processor_time;

static double seconds(struct timeval time) {
    return time.tv_sec + time.tv_usec / 1e6;
}

double now(void) {
    struct timespec time;
    struct rusage children;
    if (!processor_time) {
        clock_gettime(CLOCK_MONOTONIC, &time);
        return time.tv_sec * 1e9 + time.tv_nsec;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    getrusage(RUSAGE_CHILDREN, &children);
    return time.tv_sec * 1e9 + time.tv_nsec + (seconds(children.ru_utime) + seconds(children.ru_stime)) * 1e9;
}

/* COUNT paths, made beforehand: what is measured is not printf. */
static void name_them(const char *form, long modulus) {
    paths = malloc(sizeof *paths * modulus);
    char relative[PATH];
    for (long i = 0; i < modulus; i++) {
        snprintf(relative, sizeof relative, form, first + i);
        if (snprintf(paths[i], sizeof paths[i], "%s/%s", root, relative) >= PATH) fail("path too long");
    }
}

static void name_hot(const char *form) {
    first = 0;
    name_them(form, HOT);
}

unsigned long next_random(void) {
    static unsigned long random = 88172645463325252;
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    return random;
}

/* In the order in which they are used, which is random: only the tree is not in the caches. */
void name_random(const char *form) {
    long all = directories * EACH;
    int *order = malloc(sizeof *order * all);
    paths = malloc(sizeof *paths * all);
    for (long i = 0; i < all; i++) order[i] = i;
    for (long i = all - 1; i > 0; i--) {
        long j = next_random() % (i + 1);
        int other = order[j];
        order[j] = order[i], order[i] = other;
    }
    char relative[PATH];
    for (long i = 0; i < all; i++) {
        snprintf(relative, sizeof relative, form, order[i] / EACH, order[i] % EACH);
        if (snprintf(paths[i], PATH, "%s/%s", root, relative) >= PATH) fail("path too long");
    }
    free(order);
}

/* Maps what is mapped at the first use and at the first change. */
static void warm(void) {
    char path[PATH];
    struct stat stat_of;
    snprintf(path, sizeof path, "%s/work/warm", root);
    if (stat(path, &stat_of) != 0) fail(path);
    (void)utimensat(AT_FDCWD, path, NULL, 0);
}

double stats(long modulus, int expected) {
    struct stat stat_of;
    for (long i = 0; i < modulus && i < count; i++) (void)stat(paths[i], &stat_of);
    double begun = now();
    for (long i = 0, at = 0; i < count; i++) {
        if (stat(paths[at], &stat_of) != expected) fail(paths[at]);
        if (++at == modulus) at = 0;
    }
    return now() - begun;
}

static double stat_hot(void) { return name_hot("hot/file%02ld.c"), stats(HOT, 0); }
static double stat_missing(void) { return name_hot("hot/missing%02ld.h"), stats(HOT, -1); }
static double stat_random(void) { return name_random("many/d%03d/file%02d.c"), stats(directories * EACH, 0); }
static double missing_random(void) { return name_random("many/d%03d/none%02d.h"), stats(directories * EACH, -1); }
static double stat_outside(void) { return root = getenv("PROBE_OUTSIDE"), name_hot("file%02ld.c"), stats(HOT, 0); }

static double open_missing(void) {
    name_hot("hot/missing%02ld.h");
    double begun = now();
    for (long i = 0; i < count; i++)
        if (open(paths[i % HOT], O_RDONLY | O_CLOEXEC) != -1) fail("there");
    return now() - begun;
}

static double read_files(int with_fstat) {
    struct stat stat_of;
    double begun = 0;
    for (long i = -HOT; i < count; i++) {
        if (i == 0) begun = now();
        int file = open(paths[(i + HOT) % HOT], O_RDONLY | O_CLOEXEC);
        if (file < 0) fail("open");
        if (with_fstat && fstat(file, &stat_of) != 0) fail("fstat");
        if (read(file, bytes, 4096) != 4096) fail("read");
        close(file);
    }
    return now() - begun;
}

static double open_close(void) {
    name_hot("hot/file%02ld.c");
    double begun = 0;
    for (long i = -HOT; i < count; i++) {
        if (i == 0) begun = now();
        int file = open(paths[(i + HOT) % HOT], O_RDONLY | O_CLOEXEC);
        if (file < 0) fail("open");
        if (close(file)) fail("close");
    }
    return now() - begun;
}

static double working_directory(void) {
    char path[PATH], said[PATH];
    snprintf(path, sizeof path, "%s/hot", root);
    if (chdir(path)) fail(path);
    double begun = now();
    for (long i = 0; i < count; i++)
        if (!getcwd(said, sizeof said)) fail("getcwd");
    double taken = now() - begun;
    if (strcmp(said, path)) errno = 0, fail(said);
    return taken;
}

static double real_paths(void) {
    name_hot("hot/../hot/file%02ld.c");
    char said[4096], expected[PATH];
    double begun = 0;
    for (long i = -HOT; i < count; i++) {
        if (i == 0) begun = now();
        if (!realpath(paths[(i + HOT) % HOT], said)) fail("realpath");
    }
    double taken = now() - begun;
    snprintf(expected, sizeof expected, "%s/hot/file%02ld.c", root, (count - 1) % HOT);
    if (strcmp(said, expected)) errno = 0, fail(said);
    return taken;
}

static double open_read(void) { return name_hot("hot/file%02ld.c"), read_files(1); }
static double open_outside(void) { return root = getenv("PROBE_OUTSIDE"), name_hot("file%02ld.c"), read_files(0); }

static int one_file(void) {
    name_hot("hot/file%02ld.c");
    int file = open(paths[0], O_RDONLY | O_CLOEXEC);
    if (file < 0) fail("open");
    return file;
}

static double reads(void) {
    int file = one_file();
    double begun = now();
    for (long i = 0; i < count; i++) {
        if (read(file, bytes, 16) < 0) fail("read");
        if (i % 64 == 63) lseek(file, 0, SEEK_SET);
    }
    return now() - begun;
}

static double preads(void) {
    int file = one_file();
    double begun = now();
    for (long i = 0; i < count; i++)
        if (pread(file, bytes, 16, (i * 16) % 4096) != 16) fail("pread");
    return now() - begun;
}

static double listing(void) {
    char path[PATH];
    snprintf(path, sizeof path, "%s/listing", root);
    double begun = 0;
    for (long i = -1; i < count; i++) {
        if (i == 0) begun = now();
        DIR *directory = opendir(path);
        if (!directory) fail("opendir");
        int seen = 0;
        while (readdir(directory)) seen++;
        closedir(directory);
        if (seen != LISTED + 2) fail("readdir");
    }
    return now() - begun;
}

static double renames(void) {
    char (*others)[PATH];
    name_hot("work/other%02ld");
    others = paths;
    name_hot("work/file%02ld");
    double begun = now();
    for (long i = 0; i < count; i++) {
        long at = i / 2 % HOT;
        if (i % 2 ? rename(others[at], paths[at]) : rename(paths[at], others[at])) fail("rename");
    }
    return now() - begun;
}

static double unlinks(void) {
    paths = malloc(sizeof *paths * count);
    for (long i = 0; i < count; i++)
        snprintf(paths[i], PATH, "%s/pool/d%03ld/file%02ld", root, (first + i) / EACH, (first + i) % EACH);
    double begun = now();
    for (long i = 0; i < count; i++)
        if (unlink(paths[i])) fail(paths[i]);
    return now() - begun;
}

static double mkdirs(void) {
    name_them("work/directory%ld", count);
    double begun = now();
    for (long i = 0; i < count; i++)
        if (mkdir(paths[i], 0777)) fail(paths[i]);
    return now() - begun;
}

static double times(void) {
    name_hot("hot/file%02ld.c");
    struct timespec both[2] = {{1700000000, 5}, {1700000000, 0}};
    double begun = now();
    for (long i = 0; i < count; i++) {
        both[1].tv_nsec = i % 1000000000;
        if (utimensat(AT_FDCWD, paths[i % HOT], both, 0)) fail("utimensat");
    }
    return now() - begun;
}

/* No two files have the same content. */
static double creates_of(size_t size) {
    name_them(size == sizeof bytes ? "work/large%ld.o" : "work/small%ld.o", count);
    double begun = now();
    for (long i = 0; i < count; i++) {
        long mark[2] = {first + i, (long)size};
        for (size_t page = 0; page < size; page += 4096) memcpy(bytes + page, mark, sizeof mark);
        int file = open(paths[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0) fail(paths[i]);
        if (write(file, bytes, size) != (ssize_t)size) fail("write");
        if (close(file)) fail("close");
    }
    return now() - begun;
}

static double creates_empty(void) {
    name_them("work/empty%ld", count);
    double begun = now();
    for (long i = 0; i < count; i++) {
        int file = open(paths[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0) fail(paths[i]);
        if (close(file)) fail("close");
    }
    return now() - begun;
}

static double creates(void) { return creates_of(sizeof bytes); }
static double creates_small(void) { return creates_of(4096); }

/* What a compiler does to an object that is there: its bytes are replaced. */
static double overwrites(void) {
    name_hot("work/over%02ld");
    double begun = now();
    for (long i = 0; i < count; i++) {
        long mark[2] = {first + i, (long)&mark};
        memcpy(bytes, mark, sizeof mark);
        int file = open(paths[i % HOT], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (file < 0) fail("open");
        if (write(file, bytes, 4096) != 4096) fail("write");
        if (close(file)) fail("close");
    }
    return now() - begun;
}

static char **child;

static double spawns(void) {
    double begun = 0;
    for (long i = -2; i < count; i++) {
        if (i == 0) begun = now();
        pid_t pid;
        int status;
        errno = posix_spawn(&pid, child[0], NULL, NULL, child, environ);
        if (errno) fail(child[0]);
        if (waitpid(pid, &status, 0) < 0 || status) fail("child");
    }
    return now() - begun;
}

static double forks(void) {
    double begun = 0;
    for (long i = -2; i < count; i++) {
        if (i == 0) begun = now();
        int status;
        pid_t pid = fork();
        if (pid < 0) fail("fork");
        if (pid == 0) _exit(0);
        if (waitpid(pid, &status, 0) < 0 || status) fail("child");
    }
    return now() - begun;
}

/* The child of a case: one stat, and out. */
static double one_stat(void) {
    struct stat stat_of;
    if (stat(root, &stat_of)) fail(root);
    _exit(0);
}

/* KiB that are this process's alone: anonymous memory. Pages of mapped files are counted as "private" too while no
 * second process happens to have mapped them, but they are the page cache's. */
double anonymous(void) {
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    long sum = 0, kib;
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "Anonymous:", 10)) continue;
        if (sscanf(strchr(line, ':') + 1, "%ld", &kib) == 1) sum += kib;
    }
    count = 1;
    return sum;
}

/* After it used the tree in all ways. */
static double memory(void) {
    count = HOT;
    stat_random();
    free(paths);
    open_read();
    count = 1;
    listing();
    count = 2;
    times();
    renames();
    return anonymous();
}

/* Runs a command; microseconds of processor time that it and all its children took. */
static double processor(void) {
    pid_t pid;
    int status;
    struct rusage usage;
    errno = posix_spawnp(&pid, child[0], NULL, NULL, child, environ);
    if (errno) fail(child[0]);
    if (wait4(pid, &status, 0, &usage) < 0 || status) fail(child[0]);
    count = 1;
    return (seconds(usage.ru_utime) + seconds(usage.ru_stime)) * 1e6;
}

static const struct { const char *name; double (*run)(void); int cold; } cases[] = {
    {"stat-hot", stat_hot, 0}, {"stat-random", stat_random, 0}, {"stat-missing", stat_missing, 0},
    {"open-missing", open_missing, 0}, {"open-read", open_read, 0}, {"stat-outside", stat_outside, 0},
    {"open-outside", open_outside, 0}, {"read", reads, 0}, {"pread", preads, 0}, {"readdir", listing, 0},
    {"rename", renames, 0}, {"unlink", unlinks, 0}, {"mkdir", mkdirs, 0}, {"utimensat", times, 0},
    {"create", creates, 0}, {"create-small", creates_small, 0}, {"overwrite", overwrites, 0},
    {"stat-missing-random", missing_random, 0}, {"open-close", open_close, 0}, {"getcwd", working_directory, 0},
    {"realpath", real_paths, 0}, {"create-empty", creates_empty, 0}, {"fork", forks, 0},
    {"stat-spread", stat_spread, 1}, {"stat-near", stat_near, 1}, {"memory-spread", memory_spread, 1},
    {"crowd-reads", crowd_reads, 1}, {"crowd-changes", crowd_changes, 1}, {"crowd-both", crowd_both, 1},
    {"spawn", spawns, 0}, {"one-stat", one_stat, 1}, {"memory", memory, 1}, {"processor", processor, 1},
};

int main(int arguments, char **values) {
    if (arguments < 5) return 2;
    const char *clock = getenv("PROBE_CLOCK");
    processor_time = clock && !strcmp(clock, "processor");
    const char *many = getenv("PROBE_DIRECTORIES");
    if (many) directories = atol(many);
    root = values[2], first = atol(values[3]), count = atol(values[4]), child = values + 5;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, values[1])) continue;
        if (!cases[i].cold) warm();
        double taken = cases[i].run();
        printf("%.3f\n", taken / count);
        return 0;
    }
    return 2;
}
