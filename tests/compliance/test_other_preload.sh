#!/bin/sh
# Another preloaded library is kept, and both see the calls.
. "$(dirname "$0")/common.sh"
tree() { echo x >f; cat >"$PROGRAMS/count.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
#include <string.h>
int unlink(const char *p) { int (*real)(const char *) = dlsym(RTLD_NEXT, "unlink"); if (strcmp(p, "f") == 0) write(2, "seen", 4); return real(p); }
C
    gcc -w -shared -fPIC -o "$PROGRAMS/count.so" "$PROGRAMS/count.c"; }
body() {
    same both "$(LD_PRELOAD="$PROGRAMS/count.so${LD_PRELOAD:+:$LD_PRELOAD}" unlink f 2>&1)" seen
    gone f
    echo y >f
    same alone "$(LD_PRELOAD="$PROGRAMS/count.so" unlink f 2>&1)" seen
    gone f
    case $(python -c 'import os; print(os.environ.get("LD_PRELOAD", ""))') in '') native ;; *vrift*) ;; *) fail 'LD_PRELOAD' ;; esac
}
play "$@"
