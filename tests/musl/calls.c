/* Calls on paths, each with what came of it. The same lines have to come from a real directory and from a workspace. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char **environ;

static void say(const char *call, long result) {
    printf("%s: %ld %s\n", call, result, result < 0 ? strerror(errno) : "");
    errno = 0;
}
#define SAY(call) say(#call, (long)(call))

static void show(const char *path) {
    struct stat s;
    if (lstat(path, &s)) {
        printf("%s: %s\n", path, strerror(errno));
        return;
    }
    printf("%s: %o %ld links, %lld bytes, %lld.%09ld\n", path, s.st_mode, (long)s.st_nlink, S_ISDIR(s.st_mode) ? 0LL : (long long)s.st_size,
           S_ISREG(s.st_mode) && s.st_mtim.tv_sec < 2000 ? (long long)s.st_mtim.tv_sec : 0LL, s.st_mtim.tv_sec < 2000 ? s.st_mtim.tv_nsec : 0L);
}

static int by_name(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }

static void list(const char *path) {
    char *names[64];
    int count = 0;
    DIR *directory = opendir(path);
    if (!directory) {
        say("opendir", -1);
        return;
    }
    for (struct dirent *entry; count < 64 && (entry = readdir(directory));) names[count++] = strdup(entry->d_name);
    closedir(directory);
    qsort(names, count, sizeof *names, by_name);
    printf("%s:", path);
    for (int at = 0; at < count; at++) printf(" %s", names[at]);
    printf("\n");
}

static void *in_thread(void *path) {
    int file = open(path, O_CREAT | O_WRONLY | O_APPEND, 0644);
    ssize_t written = write(file, "thread\n", 7);
    return (void *)(long)(close(file) + written);
}

static long child_writes(const char *path) {
    pid_t child = fork();
    if (child == 0) {
        int file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
        _exit(file >= 0 && write(file, "child\n", 6) == 6 && close(file) == 0 ? 7 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

static long spawned(char *program, char *word) {
    char *words[] = {program, word, 0};
    pid_t child;
    int failed = posix_spawn(&child, program, 0, 0, words, environ), status;
    if (failed) return -(errno = failed);
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

int main(int count, char **words) {
    if (count > 1 && !strcmp(words[1], "--child")) {
        show("moved");
        return 5;
    }
    char text[4096], here[4096];
    struct timespec times[2] = {{1000, 1}, {1234, 567890123}};
    setvbuf(stdout, 0, _IOLBF, 0);
    umask(022);

    show("given");
    SAY(stat("missing", &(struct stat){0}));
    SAY(open("missing/below", O_RDONLY));
    SAY(open("given/below", O_RDONLY));
    SAY(access("given", R_OK));
    SAY(access("given", X_OK));

    FILE *file = fopen("made", "w+");
    SAY(fputs("one line\n", file) >= 0);
    SAY(fseek(file, 0, SEEK_SET));
    SAY(fgets(text, sizeof text, file) != 0);
    SAY(fclose(file));
    show("made");
    int both = open("made", O_RDWR | O_APPEND);
    SAY(write(both, "two\n", 4));
    SAY(fchmod(both, 0640));
    SAY(futimens(both, times));
    SAY(close(both));
    show("made");
    int reads = open("made", O_RDONLY);
    char *mapped = mmap(0, 13, PROT_READ, MAP_PRIVATE, reads, 0);
    SAY(memcmp(mapped, "one line\ntwo\n", 13));
    SAY(pread(reads, text, 3, 9));
    struct stat opened;
    SAY(fstat(reads, &opened) || opened.st_size != 13);
    SAY(close(reads));

    SAY(mkdir("directory", 0755));
    SAY(mkdir("directory", 0755));
    SAY(rename("made", "directory/made"));
    SAY(rename("missing", "made"));
    SAY(link("directory/made", "again"));
    show("again");
    SAY(symlink("directory/made", "link"));
    SAY(readlink("link", text, sizeof text));
    SAY(open("link", O_RDONLY | O_NOFOLLOW));
    SAY(utimensat(AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW));
    SAY(truncate("again", 3));
    show("directory/made");
    SAY(chmod("again", 0600));
    SAY(setxattr("again", "user.name", "value", 5, 0));
    SAY(getxattr("directory/made", "user.name", text, sizeof text));
    SAY(unlink("again"));
    SAY(rmdir("directory"));
    SAY(unlink("directory"));
    list(".");
    list("directory");

    int at = open("directory", O_RDONLY | O_DIRECTORY);
    SAY(faccessat(at, "made", F_OK, 0));
    SAY(mkdirat(at, "deeper", 0700));
    SAY(fchdir(at));
    SAY(close(at));
    show("made");
    SAY(chdir("deeper"));
    SAY(strcmp(strrchr(getcwd(here, sizeof here), '/'), "/deeper"));
    SAY(chdir("../.."));
    SAY(strcmp(strrchr(realpath("link", text), '/'), "/made"));
    SAY(realpath("link/more", text) != 0);

    struct statvfs system;
    SAY(statvfs("directory", &system));
    char pattern[] = "temporaryXXXXXX";
    int temporary = mkstemp(pattern);
    SAY(temporary < 0);
    SAY(unlink(pattern));
    SAY(write(temporary, "x", 1));
    SAY(close(temporary));

    pthread_t thread;
    void *result;
    pthread_create(&thread, 0, in_thread, "by-thread");
    pthread_join(thread, &result);
    SAY(result);
    SAY(child_writes("by-child"));
    show("by-child");
    SAY(flock(open("by-child", O_RDONLY), 2));

    struct sockaddr_un name = {AF_UNIX, "socket"};
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    SAY(bind(server, (void *)&name, sizeof name));
    SAY(listen(server, 1));
    SAY(connect(client, (void *)&name, sizeof name));
    SAY(unlink("socket"));

    SAY(rename("directory/made", "moved"));
    SAY(chmod("program", 0755));
    SAY(spawned("./program", "--child"));
    SAY(spawned("./missing", "--child"));
    list(".");
    return 0;
}
