#!/bin/sh
# Two builds at the same time in one workspace, as on a shared directory: by two commands in one run, and by two runs. Both
# make what one alone makes, and both write to one archive's directory and to one log.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir src a b alone
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        printf '#include "common.h"\nint f%s(int x) { return x * %s + COMMON; }\n' "$i" "$i" >src/f$i.c
    done
    echo '#define COMMON 7' >src/common.h
    cat >rules.mk <<'M'
OBJECTS = $(patsubst ../src/%.c,%.o,$(sort $(wildcard ../src/*.c)))
lib.a: $(OBJECTS)
	rm -f $@; ar rcD $@ $(OBJECTS); echo "$(NAME)" >>../log
%.o: ../src/%.c ../src/common.h generated.h
	gcc -O1 -include generated.h -c -o $@.tmp $< && mv $@.tmp $@
generated.h: ../src/common.h
	sed 's/COMMON/GENERATED/' $< >$@
M
}
build() { (cd "$1" && make -s -j2 -f ../rules.mk NAME="$1"); }
equal() { same "$1" "$(cd "$1" && sha256sum ./*)" "$(cd alone && sha256sum ./*)"; }
body() {
    build alone
    build a & first=$!
    build b; wait "$first"
    equal a; equal b
    same log "$(sort log | tr '\n' ' ')" 'a alone b '
    same 'nothing left to do' "$(make -C a -f ../rules.mk | grep -c gcc)" 0
    rm a/* b/*
}
after() {
    if native; then return; fi
    one() { "$VRIFT_BIN" run -w w -- sh -c 'cd "$1" && make -s -j2 -f ../rules.mk NAME="$1"' sh "$1"; }
    one a & first=$!
    one b; wait "$first"
    sums() { "$VRIFT_BIN" run -w w -- sh -c 'cd "$1" && sha256sum ./*' sh "$1"; }
    same a "$(sums a)" "$(sums alone)"; same b "$(sums b)" "$(sums alone)"
    same log "$("$VRIFT_BIN" cat w:log | sort | tr '\n' ' ')" 'a a alone b b '
    "$VRIFT_BIN" fsck w >/dev/null || fail 'the store is not whole'
}
play "$@"
