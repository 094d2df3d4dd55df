# Sourced by the other scripts.

# need COMMAND PACKAGE [COMMAND PACKAGE...]: installs the Debian packages that have the commands, or files, that are missing.
need() {
    local missing=()
    while [ $# -gt 0 ]; do
        case $1 in
        /*) [ -e "$1" ] || missing+=("$2") ;;
        *) command -v "$1" >/dev/null 2>&1 || missing+=("$2") ;;
        esac
        shift 2
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "missing: install the packages ${missing[*]}" >&2
        return 1
    fi
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}
