/* Cases of large trees and of many processes. */
#include "probe.h"

/* COUNT of so many files as FIRST says, a thousand in each directory: by chance, or a directory's after each other. */
static void name_spread(int by_chance) {
    paths = malloc(sizeof *paths * count);
    for (long i = 0; i < count; i++) {
        long file = (by_chance ? (long)(next_random() >> 16) : i) % first;
        snprintf(paths[i], PATH, "%s/directory%ld/file%ld.c", root, file / 1000, file);
    }
}

double stat_spread(void) { return name_spread(1), stats(count, 0); }
double stat_near(void) { return name_spread(0), stats(count, 0); }

double memory_spread(void) {
    stat_spread();
    free(paths);
    return anonymous();
}

/* What processes of a crowd tell each other. */
static struct crowd { int ready, go, stop; long done[64 * 8]; } *crowd;

/* One of them, until it is told to stop: looks at files, or changes a file of its own in a directory of its own. */
static long one_of_many(int number, int changes) {
    char directory[PATH], one[PATH], other[PATH], warm_path[PATH];
    struct stat stat_of;
    struct timespec both[2] = {{1700000000, 5}, {1700000000, 0}};
    long done = 0, all = directories * EACH;
    snprintf(warm_path, sizeof warm_path, "%s/work/warm", root);
    snprintf(directory, sizeof directory, "%s/work/p%d", root, number);
    snprintf(one, sizeof one, "%.200s/one", directory);
    snprintf(other, sizeof other, "%.200s/other", directory);
    if (changes) {
        if (mkdir(directory, 0777) && errno != EEXIST) fail(directory);
        int file = open(one, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0 || close(file)) fail(one);
    } else if (stat(warm_path, &stat_of)) fail(warm_path);
    __atomic_add_fetch(&crowd->ready, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&crowd->go, __ATOMIC_ACQUIRE)) usleep(200);
    while (!__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED)) {
        if (changes) {
            both[1].tv_nsec = done % 1000000000;
            if (rename(one, other)) fail("rename");
            if (utimensat(AT_FDCWD, other, both, 0)) fail("utimensat");
            if (chmod(other, done & 4 ? 0644 : 0600)) fail("chmod");
            if (rename(other, one)) fail("rename");
        } else {
            for (long i = 0; i < 4; i++)
                if (stat(paths[(done + i + number * 977L) % all], &stat_of)) fail("stat");
        }
        done += 4;
    }
    return done;
}

/* PROBE_PROCESSES at once for COUNT milliseconds; of each two, `changing` change the tree. */
static double many_processes(int changing) {
    const char *text = getenv("PROBE_PROCESSES");
    int processes = text ? atoi(text) : 1;
    if (processes < 1 || processes > 64) errno = EINVAL, fail("PROBE_PROCESSES");
    name_random("many/d%03d/file%02d.c");
    crowd = mmap(NULL, sizeof *crowd, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crowd == MAP_FAILED) fail("mmap");
    for (int i = 0; i < processes; i++) {
        pid_t pid = fork();
        if (pid < 0) fail("fork");
        /* On cache lines of their own. */
        if (pid == 0) crowd->done[i * 8] = one_of_many(i, i % 2 < changing), _exit(0);
    }
    /* One that failed is never ready: it is waited for here, so that the others do not wait for ever. */
    while (__atomic_load_n(&crowd->ready, __ATOMIC_SEQ_CST) < processes) {
        usleep(200);
        if (waitpid(-1, NULL, WNOHANG) > 0) errno = ECHILD, crowd->stop = crowd->go = 1, fail("a process of a crowd");
    }
    processor_time = 0;
    double begun = now();
    __atomic_store_n(&crowd->go, 1, __ATOMIC_RELEASE);
    usleep(count * 1000);
    __atomic_store_n(&crowd->stop, 1, __ATOMIC_RELAXED);
    double taken = now() - begun;
    count = 0;
    for (int i = 0; i < processes; i++) {
        int status;
        if (wait(&status) < 0 || status) fail("a process of a crowd");
    }
    for (int i = 0; i < processes; i++) count += crowd->done[i * 8];
    return taken;
}

double crowd_reads(void) { return many_processes(0); }
double crowd_changes(void) { return many_processes(2); }
double crowd_both(void) { return many_processes(1); }
