#!/bin/sh
# gdb on programs that were built in the tree: breakpoints by line, the way to them with its lines, values, to the end; also of static ones.
. "$(dirname "$0")/common.sh"
tree() {
    printf 'int twice(int value)\n{\n    int result = 2 * value;\n    return result;\n}\n' >twice.c
    cat >main.c <<'C'
#include <stdio.h>
int twice(int);
int main(int count, char **word)
{
    FILE *file = fopen("written", "w");
    fprintf(file, "%d\n", twice(count + 20));
    return fclose(file) != 0;
}
C
}
under() { gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'set breakpoint pending on' "$@" </dev/null 2>&1; }
has() { case $said in *"$1"*) ;; *) fail "gdb did not say '$1' but '$(echo "$said" | tail -n 20)'" ;; esac; }
# stopped PROGRAM: everything that is asked of it.
stopped() {
    rm -f written
    said=$(under -ex 'break twice.c:4' -ex run -ex bt -ex 'print result' -ex 'list 3,3' -ex 'info source' -ex finish -ex continue --args "./$1" word)
    has 'at twice.c:4'
    has ' in main (count=2, word='
    has 'at main.c:6'
    has '$1 = 44'
    has 'int result = 2 * value;'
    has "$TREE/twice.c"
    has 'Value returned is $2 = 44'
    has 'exited normally'
    is written 44
}
body() {
    gcc -g main.c twice.c -o plain
    stopped plain
    # With a library of the tree.
    mkdir lib
    gcc -g -shared -fPIC twice.c -o lib/libtwice.so
    gcc -g main.c -o linked -Llib -ltwice -Wl,-rpath,"$TREE/lib"
    stopped linked
    said=$(under -ex 'break main' -ex run -ex 'info sharedlibrary' -ex kill ./linked)
    has libtwice.so
    gcc -g -static main.c twice.c -o static
    stopped static
    # A process that runs already.
    cat >waits.c <<'C'
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(void)
{
    prctl(PR_SET_PTRACER, -1);
    close(open("ready", O_CREAT | O_WRONLY, 0600));
    for (;;) pause();
}
C
    gcc -g waits.c -o waits
    ./waits &
    until [ -e ready ]; do sleep 0.01; done
    said=$(under -p $! -ex bt -ex detach)
    kill $!
    has 'main () at waits.c:8'
}
play "$@"
