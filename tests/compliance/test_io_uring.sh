#!/bin/sh
# io_uring would go round the library, so it is not there for programs in the tree; they fall back.
. "$(dirname "$0")/common.sh"
tree() { program ring <<'C'
#include <errno.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <stdlib.h>
int main(void)
{
    char room[256] = { 0 };
    long r = syscall(425, 8, room);
    if (getenv("VRIFT_COMPLIANCE_NATIVE")) return 0;
    return r == -1 && (errno == ENOSYS) ? 0 : 1;
}
C
}
body() { "$PROGRAMS/ring"; }
play "$@"
