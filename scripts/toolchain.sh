# Sourced by the scripts that compile: finds the Rust toolchain also when HOME is empty, and installs missing tools.
. scripts/need.sh

# rustup and cargo look below HOME. With a HOME that has neither, take those of the cargo that is on the PATH or
# of the user's entry in the password file.
find_toolchain() {
    if cargo --version >/dev/null 2>&1; then
        return
    fi
    local account home
    account=$(getent passwd "$(id -u)" | cut -d: -f6 || :)
    for home in "$(dirname "$(dirname "$(dirname "$(command -v cargo || echo /none/bin/cargo)")")")" \
        "$account" /usr/local; do
        local cargo_home rustup_home
        for cargo_home in "$home/.cargo" "$home/cargo"; do
            [ -x "$cargo_home/bin/cargo" ] || continue
            rustup_home=$(dirname "$cargo_home")/$(basename "$cargo_home" | sed s/cargo/rustup/)
            [ -d "${RUSTUP_HOME:-$rustup_home}" ] || continue
            export RUSTUP_HOME=${RUSTUP_HOME:-$rustup_home}
            export PATH=$cargo_home/bin:$PATH
            if [ -w "$cargo_home" ]; then
                export CARGO_HOME=${CARGO_HOME:-$cargo_home}
            fi
            if cargo --version >/dev/null 2>&1; then
                return
            fi
        done
    done
    echo "no Rust toolchain was found: install one, or set RUSTUP_HOME and CARGO_HOME" >&2
    return 1
}

need_tools() {
    need cc gcc make make
    need git git
    need tar tar
    need setpriv util-linux
    cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
}

# What the compliance scripts work with.
need_compliance_tools() {
    need cc gcc make make patch patch fakeroot fakeroot perl perl setpriv util-linux strings binutils busybox busybox-static \
        chattr e2fsprogs /usr/bin/git git /usr/bin/python3 python3 /usr/bin/python3-config python3-dev \
        /usr/share/doc/python3-venv python3-venv /usr/bin/pip3 python3-pip /usr/lib/python3/dist-packages/wheel python3-wheel \
        /usr/lib/python3/dist-packages/pytest python3-pytest rsync rsync ccache ccache gdb gdb cmake cmake ninja ninja-build \
        meson meson autoconf autoconf automake automake libtoolize libtool go golang-go musl-gcc musl-tools
    [ -e "$(gcc -print-file-name=libasan.so)" ] || need libasan.so libasan8
}

find_toolchain
