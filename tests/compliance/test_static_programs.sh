#!/bin/sh
# A program that no library can be in sees the tree: it reads, writes, renames, lists, changes directory, and starts others.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir d d/below
    echo content >a
    echo other >d/b
    echo gone >gone
    ln -s d/b link
    chmod 640 a
    touch -d '2001-02-03 04:05:06.123456789' a
    printf '#!/bin/sh\necho script "$0" "$@" "$(pwd)"\n' >script
    chmod +x script
    program works -static <<'C'
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>
#define HAS(what) if (!(what)) { fprintf(stderr, "line %d: %s: %s\n", __LINE__, #what, strerror(errno)); return 1; }
#define FAILS(what, why) errno = 0; HAS((long)(what) == -1 && errno == why)
static char room[5000];
static const char *list(const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);
    room[0] = 0;
    for (int i = 0; i < count; i++) { strcat(room, names[i]->d_name); strcat(room, names[i]->d_type == DT_DIR ? "/ " : " "); }
    return room;
}
int main(int count, char **word)
{
    struct stat s, t;
    struct statfs f;
    char *tree = getenv("TREE");
    HAS(getcwd(room, sizeof room) && !strcmp(room, tree));
    HAS(!stat("a", &s) && s.st_size == 8 && (s.st_mode & 07777) == 0640 && s.st_mtim.tv_nsec == 123456789);
    int fd = open("a", O_RDONLY);
    HAS(fd >= 0 && read(fd, room, 100) == 8 && !memcmp(room, "content\n", 8));
    HAS(!fstat(fd, &t) && t.st_ino == s.st_ino && t.st_dev == s.st_dev && t.st_mode == s.st_mode && t.st_mtim.tv_nsec == 123456789);
    HAS(!fchmod(fd, 0600) && !stat("a", &t) && (t.st_mode & 07777) == 0600);
    HAS(close(fd) == 0);
    FAILS(open("none", O_RDONLY), ENOENT);
    FAILS(open("a/x", O_RDONLY), ENOTDIR);
    FAILS(open("d", O_WRONLY), EISDIR);
    FAILS(stat((char *)8, &s), EFAULT);
    umask(027);
    fd = open("new", O_CREAT | O_EXCL | O_RDWR, 0666);
    HAS(fd >= 0 && write(fd, "hello\n", 6) == 6 && !fstat(fd, &s) && s.st_size == 6 && (s.st_mode & 07777) == 0640);
    HAS(lseek(fd, 0, SEEK_SET) == 0 && read(fd, room, 100) == 6 && !close(fd));
    FAILS(open("new", O_CREAT | O_EXCL | O_RDWR, 0666), EEXIST);
    HAS(!mkdir("made", 0777) && !stat("made", &s) && (s.st_mode & 07777) == 0750);
    HAS(!rename("new", "made/new") && !link("made/new", "made/second") && !symlink("new", "made/link"));
    HAS(!stat("made/new", &s) && s.st_nlink == 2);
    HAS(readlink("made/link", room, 100) == 3 && readlink("link", room, 100) == 3);
    HAS(!unlink("gone"));
    FAILS(unlink("gone"), ENOENT);
    FAILS(rmdir("made"), ENOTEMPTY);
    HAS(!strcmp(list("made"), "./ ../ link new second "));
    HAS(!truncate("made/new", 3) && !stat("made/second", &s) && s.st_size == 3);
    HAS(!setxattr("made/new", "user.x", "value", 5, 0) && getxattr("made/second", "user.x", room, 100) == 5);
    HAS(!statfs("made", &f) && f.f_bsize);
    struct timespec times[2] = { { 1, 2 }, { 1000000000, 7 } };
    HAS(!utimensat(AT_FDCWD, "made/new", times, 0) && !stat("made/new", &s) && s.st_mtim.tv_sec == 1000000000 && s.st_mtim.tv_nsec == 7);
    HAS(!chdir("made") && getcwd(room, sizeof room) && !strncmp(room, tree, strlen(tree)) && !strcmp(room + strlen(tree), "/made"));
    HAS(!access("new", W_OK) && !stat("../a", &s) && !chdir("../d/below/..") && !access("b", R_OK));
    FAILS(chdir("none"), ENOENT);
    FAILS(chdir("b"), ENOTDIR);
    int above = open("..", O_RDONLY | O_DIRECTORY), path = open(".", O_PATH);
    HAS(above >= 0 && path >= 0 && !faccessat(above, "made/new", F_OK, 0) && !fstatat(path, "b", &s, 0));
    HAS(!mkdirat(above, "at", 0700) && !renameat(above, "at", path, "at") && !unlinkat(path, "at", AT_REMOVEDIR));
    HAS(!fchdir(above) && getcwd(room, sizeof room) && !strcmp(room, tree));
    HAS(!stat(tree, &s) && !stat(".", &t) && s.st_ino == t.st_ino && s.st_dev == t.st_dev);
    char *words[] = { "./script", "with words", NULL };
    execv("./script", words);
    return 2;
}
C
}
body() {
    same said "$("$PROGRAMS/works")" "script ./script with words $TREE"
    is made/second hel
    same link "$(readlink made/link)" new
    gone gone
    # A program of the tree that is static, and one that it starts with nothing in its environment.
    cp "$PROGRAMS/works" d/works
    rm -r made
    echo gone >gone
    chmod 640 a
    touch -d '2001-02-03 04:05:06.123456789' a
    same said "$(d/works)" "script ./script with words $TREE"
}
after() {
    same kept "$(outside made/new)" hel
    native || "$VRIFT_BIN" blame w:made/second | grep -q works || fail "somebody else is blamed"
}
play "$@"
