#!/bin/sh
# cmake with ninja and with make: a build, nothing to do behind it, one file for one that was touched, tests, and an installation.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir -p s/lib s/include
    cat >s/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.10)
project(sample VERSION 1.2.3 LANGUAGES C)
include(CTest)
include(CheckIncludeFile)
check_include_file(unistd.h HAVE_UNISTD_H)
configure_file(include/config.h.in config.h)
add_library(sample SHARED lib/one.c lib/two.c)
set_target_properties(sample PROPERTIES VERSION 1.2.3 SOVERSION 1)
target_include_directories(sample PUBLIC include ${CMAKE_CURRENT_BINARY_DIR})
add_executable(generate lib/generate.c)
add_custom_command(OUTPUT table.h COMMAND generate table.h DEPENDS generate)
add_executable(app app.c ${CMAKE_CURRENT_BINARY_DIR}/table.h)
target_link_libraries(app sample)
add_test(NAME runs COMMAND app)
set_tests_properties(runs PROPERTIES PASS_REGULAR_EXPRESSION "1.2.3 3 7")
install(TARGETS app sample)
CMAKE
    echo '#define VERSION "@PROJECT_VERSION@"' >s/include/config.h.in
    echo 'int one(void); int two(void);' >s/include/sample.h
    printf '#include "sample.h"\nint one(void) { return 1; }\n' >s/lib/one.c
    printf '#include "sample.h"\nint two(void) { return 2; }\n' >s/lib/two.c
    printf '#include <stdio.h>\nint main(int n, char **w) { FILE *f = fopen(w[1], "w"); fputs("#define TABLE 7\\n", f); return fclose(f); }\n' >s/lib/generate.c
    printf '#include <stdio.h>\n#include "sample.h"\n#include "config.h"\n#include "table.h"\nint main(void) { printf("%%s %%d %%d\\n", VERSION, one() + two(), TABLE); return 0; }\n' >s/app.c
}
body() {
    unset DESTDIR CFLAGS
    for kind in Ninja 'Unix Makefiles'; do
        rm -rf b
        cmake -S s -B b -G "$kind" -DCMAKE_INSTALL_RPATH="$TREE/root/usr/lib" -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR=lib
        cmake --build b
        same ran "$(b/app)" '1.2.3 3 7'
        (cd b && ctest) || fail "the tests of the project fail"
        # Nothing to do; then what one file is needed for, no more.
        find b -name '*.o' -printf '%p %T@\n' | sort >before
        cmake --build b >said
        [ "$kind" != Ninja ] || grep -q 'no work to do' said || fail "ninja says '$(cat said)'"
        find b -name '*.o' -printf '%p %T@\n' | sort | cmp before - || fail "compiled again: $kind"
        tick
        touch s/lib/two.c
        cmake --build b
        find b -name '*.o' -printf '%p %T@\n' | sort >behind
        same again "$(diff before behind | grep -c '^>')" 1
        diff before behind | grep -q '^> .*/two.c.o'
        # A change of the description is noticed, and by whom it is included.
        tick
        sed -i 's/1\.2\.3/1.2.4/g' s/CMakeLists.txt
        cmake --build b
        same ran "$(b/app)" '1.2.4 3 7'
        same soname "$(readlink b/libsample.so.1)" libsample.so.1.2.4
        rm -rf root
        DESTDIR=$TREE/root cmake --install b
        same installed "$(root/usr/bin/app)" '1.2.4 3 7'
        same links "$(readlink root/usr/lib/libsample.so)" libsample.so.1
        cmake --build b --target clean
        gone b/app
        sed -i 's/1\.2\.4/1.2.3/g' s/CMakeLists.txt
    done
}
play "$@"
