# check.sh TALLY: counts the words of a text that is known.
set -eu
here=$(dirname "$0")
counted=$("$1" "$here/rift.txt" | head -n 3 | tr -s ' \n' ' ')
if [ "$counted" != " 8 the 5 a 3 and " ]; then
    echo "counted '$counted'" >&2
    exit 1
fi
if "$1" missing.txt 2> /dev/null; then
    echo "a file that is missing is no error" >&2
    exit 1
fi
echo "tally counts right"
