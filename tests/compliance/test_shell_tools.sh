#!/bin/sh
# cat, head, sort, wc, cut, dd, split, tee, xargs, du, touch, ln, comm on files of the tree.
. "$(dirname "$0")/common.sh"
tree() { lines 300 >f; }
body() {
    same head "$(head -n 1 f)" 'line 0'
    sort -r f -o r
    same wc "$(wc -l <r)" 300
    dd if=f of=part bs=10 count=5 status=none
    same dd "$(wc -c <part)" 50
    dd if=part of=f bs=1 seek=5 count=3 conv=notrunc status=none
    split -l 100 r s.
    same split "$(cat s.aa s.ab s.ac | cmp - r && echo same)" same
    same comm "$(comm -12 s.aa s.aa | wc -l)" 100
    ls s.* | xargs rm
    gone s.aa
    touch a b c
    ln -sf b l
    ln -f a h
    same links "$(stat -c %h a)" 2
    shred -u c 2>/dev/null || rm -f c
    gone c
    truncate -s 3 b
    same od "$(od -An -tx1 b | tr -d ' ')" 000000
    cat f r >both
    same both "$(wc -l <both)" "$(($(wc -l <f) + 300))"
    awk '{ print > "awk." NR % 2 }' r
    same awk "$(wc -l <awk.0)" 150
    grep -rl 'line 77' . | sort | tr '\n' ' ' >found
    grep -q ./r found
    same mktemp "$(basename "$(mktemp -p .)" | cut -c 1-4)" tmp.
}
play "$@"
