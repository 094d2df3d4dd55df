#!/bin/sh
# meson: a build with a library, generated code and a test; nothing to do behind it, one file for one that was touched, an installation.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir s
    cat >s/meson.build <<'MESON'
project('sample', 'c', version: '1.0')
compiler = meson.get_compiler('c')
config = configuration_data({'HAVE_FORK': compiler.has_function('fork', prefix: '#include <unistd.h>').to_int()})
configure_file(output: 'config.h', configuration: config)
python = find_program('/usr/bin/python3')
table = custom_target('table', output: 'table.h', command: [python, files('generate.py'), '@OUTPUT@'], depend_files: 'generate.py')
library = shared_library('sample', 'one.c', 'two.c', version: '1.2.3', install: true)
app = executable('app', 'app.c', table, link_with: library, install: true)
test('runs', app)
MESON
    echo 'import sys; print("#define TABLE 7", file=open(sys.argv[1], "w"))' >s/generate.py
    printf '#include "config.h"\nint one(void) { return HAVE_FORK; }\n' >s/one.c
    printf 'int two(void) { return 2; }\n' >s/two.c
    printf '#include <stdio.h>\n#include "table.h"\nint one(void), two(void);\nint main(void) { printf("%%d %%d\\n", one() + two(), TABLE); return 0; }\n' >s/app.c
}
objects() { find b -name '*.o' -printf '%p %T@\n' | sort; }
body() {
    unset DESTDIR CFLAGS
    meson setup b s --prefix=/usr --libdir=lib
    ninja -C b
    same ran "$(b/app)" '3 7'
    meson test -C b --no-rebuild | grep -q '^Ok: *1' || fail 'the test of the project fails'
    objects >before
    ninja -C b | grep -q 'no work to do' || fail 'there was something left to do'
    tick
    touch s/two.c
    ninja -C b
    objects >behind
    same again "$(diff before behind | grep -c '^>')" 1
    tick
    sed -i 's/TABLE 7/TABLE 8/' s/generate.py
    ninja -C b
    same ran "$(b/app)" '3 8'
    # A change of the description.
    tick
    sed -i "s/'two.c', //; s/'one.c', /'one.c', 'two.c', /; s/1.2.3/1.2.4/" s/meson.build
    ninja -C b
    same soname "$(readlink b/libsample.so.1)" libsample.so.1.2.4
    meson install -C b --destdir "$TREE/root" --no-rebuild
    same installed "$(LD_LIBRARY_PATH="$TREE/root/usr/lib" root/usr/bin/app)" '3 8'
    ninja -C b clean
    gone b/app
}
play "$@"
