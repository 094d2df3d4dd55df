#!/bin/sh
# A static shell with its tools works in the tree, and what it starts, and what starts it by posix_spawn.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir d
    echo one >a
    printf 'int main(void) { return VALUE; }\n' >a.c
    printf 'all: prog\nprog: a.c\n\tgcc -DVALUE=7 -o prog a.c\n\tbusybox cp a copied\n' >Makefile
    cat >script <<'SH'
set -e
cd d
[ "$(pwd)" = "$TREE/d" ]
[ "$(/bin/pwd)" = "$TREE/d" ]
echo hi >f
[ "$(cat f)" = hi ]
mv f g
cp g h
rm h
mkfifo p
cat p >through & echo passed >p
wait
[ "$(cat through)" = passed ]
mkdir -p x/y/z
find . | sort >../found
tar cf ../all.tar .
[ "$(tar tf ../all.tar | grep -c .)" = "$(grep -c . ../found)" ]
sed -i s/hi/ho/ g
cd /
[ "$(cat "$TREE/d/g")" = ho ]
touch -d '2001-02-03 04:05:06' "$TREE/d/g"
ln -s ../a "$TREE/d/link"
[ "$(cat "$TREE/d/link")" = one ]
gcc -DVALUE=3 -o "$TREE/built" "$TREE/a.c"
code=0
"$TREE/built" || code=$?
[ $code = 3 ]
env -i "$TREE/built" || [ $? = 3 ]
SH
}
body() {
    busybox sh script
    same list "$(ls d | tr '\n' ' ')" 'g link p through x '
    is d/g ho
    same mtime "$(date -u -d "@$(mtime d/g)" +%Y)" 2001
    make -s
    is copied one
    code=0; ./prog || code=$?
    same code "$code" 7
    same spawned "$(python -c 'import os; os.posix_spawn("/bin/busybox", ["cat", "a"], os.environ); os.wait()')" one
    same taken "$(python -c 'import subprocess; print(subprocess.run(["busybox", "cat", "a"], capture_output=True, env={}).stdout)')" "b'one\\n'"
}
after() { same kept "$(outside d/g)" ho; }
play "$@"
