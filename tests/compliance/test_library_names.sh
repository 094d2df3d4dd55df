#!/bin/sh
# A library of the tree says its path in the tree to who asks the loader for it: dladdr, dl_iterate_phdr, dlinfo, the list of
# what is loaded; in the program, in the library's constructor, and in what it says of what is missing.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir lib
    cat >f.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
void f(void) { Dl_info i; if (dladdr((void *)f, &i)) printf("%s\n", i.dli_fname); }
__attribute__((constructor)) static void begin(void) { f(); }
C
    cat >m.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
void f(void);
static int each(struct dl_phdr_info *i, size_t n, void *d) { if (strstr(i->dlpi_name, "libf")) printf("%s\n", i->dlpi_name); return 0; }
int main(int n, char **a) {
    if (n > 1 && !dlopen(a[1], RTLD_NOW)) return 2;
    void *h = dlopen(n > 1 ? a[1] : "libf.so", RTLD_NOW | RTLD_NOLOAD);
    if (!h) return 3;
    ((void (*)(void))dlsym(h, "f"))();
    dl_iterate_phdr(each, 0);
    struct link_map *m; char o[4096]; Dl_info i;
    if (dlinfo(h, RTLD_DI_LINKMAP, &m) || dlinfo(h, RTLD_DI_ORIGIN, o) || !dladdr1(dlsym(h, "f"), &i, (void **)&m, RTLD_DL_LINKMAP)) return 4;
    printf("%s\n%s/libf.so\n%s\n", m->l_name, o, i.dli_fname);
    return dlclose(h) || (n > 1 && dlclose(h));
}
C
}
all() { for i in 1 2 3 4 5 6; do echo "$1"; done; }
body() {
    gcc -shared -fPIC -o lib/libf.so f.c
    gcc -o needs m.c -Wl,--no-as-needed -Llib -lf -Wl,-rpath,"$TREE/lib"
    gcc -o opens m.c
    same 'needed' "$(./needs)" "$(all "$TREE/lib/libf.so")"
    same 'by LD_LIBRARY_PATH' "$(gcc -o by m.c -Wl,--no-as-needed -Llib -lf && LD_LIBRARY_PATH="$TREE/lib" ./by)" "$(all "$TREE/lib/libf.so")"
    same 'by dlopen' "$(./opens "$TREE/lib/libf.so")" "$(all "$TREE/lib/libf.so")"
    cp opens "$PROGRAMS/opens"
    same 'from outside' "$("$PROGRAMS/opens" "$TREE/lib/libf.so")" "$(all "$TREE/lib/libf.so")"
    # A path that is longer than all that the store's names begin with.
    long=$TREE/$(printf '%0200d' 0)/$(printf '%0200d' 1); mkdir -p "$long"; cp lib/libf.so "$long"
    same 'a long path' "$(./opens "$long/libf.so")" "$(all "$long/libf.so")"
}
# The same where the mount path is longer than the store's.
after() {
    if native; then return; fi
    deep=$ROOM/$(printf '%0200d' 2); mkdir "$deep"
    "$VRIFT_BIN" export w "$deep/tree" >/dev/null && "$VRIFT_BIN" ingest "$deep/tree" --name deep >/dev/null && rm -rf "$deep/tree/lib"
    wanted=$(for i in 1 2 3 4 5 6; do echo "$deep/tree/lib/libf.so"; done)
    got=$(cd "$deep/tree" && "$VRIFT_BIN" run -- sh -c 'gcc -o needs m.c -Wl,--no-as-needed -Llib -lf -Wl,-rpath,"$PWD/lib" && ./needs')
    same 'a long mount path' "$got" "$wanted"
    same 'by dlopen' "$(cd "$deep/tree" && "$VRIFT_BIN" run -- ./opens "$deep/tree/lib/libf.so")" "$wanted"
    "$VRIFT_BIN" drop deep >/dev/null
}
play "$@"
