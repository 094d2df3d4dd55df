#!/bin/sh
# What the loader says of a library of the tree that cannot be loaded names it by its path in the tree.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir lib
    cat >m.c <<'C'
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int n, char **a)
{
    /* What is to be said waits, also while other functions are called for the first time. */
    struct stat s;
    if (stat("opens", &s)) return 3;
    if (!dlsym(RTLD_DEFAULT, "there is no such name")) {
        if (access("opens", R_OK) || chdir("lib") || chdir("..") || rename("opens", "o") || rename("o", "opens")) return 4;
        DIR *list = opendir(".");
        if (!list || closedir(list)) return 5;
        if (!access("/etc/there is no such file", F_OK)) return 6;
        if (!dlerror()) return 7;
    }
    for (int i = 1; i < n; i++) {
        const char *said = dlopen(a[i], RTLD_NOW) ? "loaded" : dlerror();
        printf("%s\n", said ? said : "nothing");
    }
    return dlerror() != NULL;
}
C
}
body() {
    echo 'void missing(void); void f(void) { missing(); }' | gcc -shared -fPIC -o lib/libf.so -x c -
    echo 'void h(void) {}' | gcc -shared -fPIC -o lib/libh.so -x c -
    echo short >lib/libs.so
    lines 100 >lib/libt.so
    gcc -D_GNU_SOURCE -o opens m.c
    cp opens "$PROGRAMS/opens"
    for opens in ./opens "$PROGRAMS/opens"; do
        same "by $opens" "$("$opens" "$TREE/lib/libf.so" "$TREE/lib/libs.so" "$TREE/lib/libt.so" "$TREE/lib/libn.so" "$TREE/lib/libh.so")" \
            "$TREE/lib/libf.so: undefined symbol: missing
$TREE/lib/libs.so: file too short
$TREE/lib/libt.so: invalid ELF header
$TREE/lib/libn.so: cannot open shared object file: No such file or directory
loaded"
    done
    long=$TREE/$(printf '%0200d' 0)/$(printf '%0200d' 1)
    mkdir -p "$long"
    cp lib/libf.so "$long"
    same 'a long path' "$(./opens "$long/libf.so")" "$long/libf.so: undefined symbol: missing"
}
play "$@"
