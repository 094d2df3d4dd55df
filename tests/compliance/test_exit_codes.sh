#!/bin/sh
# vrift run gives the command's own exit code; 128 and the signal; 126 and 127 where there is nothing to run.
. "$(dirname "$0")/common.sh"
tree() { echo x >no; chmod 644 no; }
body() { :; }
after() {
    native && return
    run() { if "$VRIFT_BIN" run -w w -- "$@" >/dev/null 2>&1; then echo 0; else echo $?; fi; }
    same ok "$(run true)" 0
    same code "$(run sh -c 'exit 7')" 7
    same signal "$(run sh -c 'kill -TERM $$')" 143
    same missing "$(run none-such)" 127
    same 'not executable' "$(run "$TREE/no")" 126
    same 'no workspace' "$(if "$VRIFT_BIN" run -w none -- true >/dev/null 2>&1; then echo 0; else echo $?; fi)" 125
    same silent "$("$VRIFT_BIN" run -w w -- true 2>&1)" ''
    same output "$("$VRIFT_BIN" run -w w -- cat .in-force)" "$mark"
}
play "$@"
