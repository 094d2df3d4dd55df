#!/bin/sh
# autoconf, automake and libtool: the scripts are made, a shared library and what runs with it before it is installed, and all is cleaned.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir m4 sub
    cat >configure.ac <<'M4'
AC_INIT([sample], [1.0])
AC_CONFIG_MACRO_DIRS([m4])
AM_INIT_AUTOMAKE([foreign subdir-objects])
AM_SILENT_RULES([yes])
LT_INIT([disable-static])
AC_PROG_CC
AC_CHECK_FUNCS([fork])
AC_CONFIG_HEADERS([config.h])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
M4
    cat >Makefile.am <<'MAKE'
ACLOCAL_AMFLAGS = -I m4
lib_LTLIBRARIES = libsample.la
libsample_la_SOURCES = sub/sample.c
libsample_la_LDFLAGS = -version-info 2:1:1
bin_PROGRAMS = app
app_SOURCES = app.c
app_LDADD = libsample.la
TESTS = app
MAKE
    printf '#include "config.h"\nint sample(void) { return HAVE_FORK; }\n' >sub/sample.c
    printf '#include <stdio.h>\nint sample(void);\nint main(void) { printf("%%s %%d\\n", PACKAGE_VERSION, sample()); return 0; }\n' | sed '1i #include "config.h"' >app.c
}
body() {
    unset DESTDIR CFLAGS CONFIG_SITE
    libtoolize --copy --quiet
    aclocal -I m4
    autoheader
    automake --add-missing --copy
    autoconf
    ls -A | sort >"$ROOM/made"
    ./configure --prefix=/usr --libdir=/usr/lib --disable-dependency-tracking -q
    make -s
    # A script of libtool's that finds the library before it is installed.
    head -n 1 app | grep -q '^#!'
    same ran "$(./app)" '1.0 1'
    ./libtool --mode=execute ldd app | grep -q "$TREE/.libs/libsample.so.1 " || fail "$(./libtool --mode=execute ldd app)"
    make -s check
    grep -q ':test-result: PASS' app.trs
    stat -c '%n %Y %Z' sub/*o .libs/* app >"$ROOM/built"
    make -s
    stat -c '%n %Y %Z' sub/*o .libs/* app | cmp - "$ROOM/built" || fail 'there was something left to do'
    make -s dist
    tar tzf sample-1.0.tar.gz | grep -qx sample-1.0/sub/sample.c
    rm sample-1.0.tar.gz
    make -s install DESTDIR="$TREE/root"
    same library "$(readlink root/usr/lib/libsample.so.1)" libsample.so.1.1.1
    same installed "$(LD_LIBRARY_PATH="$TREE/root/usr/lib" root/usr/bin/app)" '1.0 1'
    make -s uninstall DESTDIR="$TREE/root"
    same left "$(find root ! -type d)" ''
    rm -r root
    ./config.status -q
    make -s distclean
    ls -A | sort >"$ROOM/cleaned"
    same cleaned "$(diff "$ROOM/made" "$ROOM/cleaned")" ''
}
play "$@"
