#!/bin/sh
# cargo without a network: a build script, a macro of procedures, tests, what was built already, and only what has changed once more.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir -p app/src app/tests macro/src
    printf '[workspace]\nmembers = ["app", "macro"]\nresolver = "2"\n' >Cargo.toml
    printf '[package]\nname = "macro"\nversion = "0.1.0"\nedition = "2021"\n[lib]\nproc-macro = true\n' >macro/Cargo.toml
    cat >macro/src/lib.rs <<'RUST'
use proc_macro::TokenStream;
#[proc_macro]
pub fn seven(_: TokenStream) -> TokenStream {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/number")).unwrap().parse().unwrap()
}
RUST
    printf 7 >macro/number
    printf '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nmacro = { path = "../macro" }\n' >app/Cargo.toml
    cat >app/build.rs <<'RUST'
use std::{env, fs, path::Path, process::Command};
fn main() {
    let out = env::var("OUT_DIR").unwrap();
    let object = Path::new(&out).join("part.o");
    assert!(Command::new("gcc").args(["-c", "part.c", "-o"]).arg(&object).status().unwrap().success());
    assert!(Command::new("ar").arg("crs").arg(Path::new(&out).join("libpart.a")).arg(&object).status().unwrap().success());
    fs::write(Path::new(&out).join("table.rs"), "pub const TABLE: i32 = 5;").unwrap();
    println!("cargo:rustc-link-search=native={out}\ncargo:rustc-link-lib=static=part\ncargo:rerun-if-changed=part.c");
}
RUST
    printf 'int part(void) { return 3; }\n' >app/part.c
    cat >app/src/lib.rs <<'RUST'
include!(concat!(env!("OUT_DIR"), "/table.rs"));
extern "C" { fn part() -> i32; }
/// ```
/// assert_eq!(app::sum(), 15);
/// ```
pub fn sum() -> i32 { TABLE + macro_of_app::seven!() + unsafe { part() } }
#[test]
fn within() { assert_eq!(sum(), 15); }
RUST
    sed -i 's/macro_of_app::/r#macro::/' app/src/lib.rs
    echo 'fn main() { println!("{}", app::sum()); }' >app/src/main.rs
    echo '#[test] fn of_it() { assert!(std::path::Path::new("part.c").exists()); }' >app/tests/of_it.rs
}
# Where cargo and its compiler are found is told by HOME, which is going to be another one.
export RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}"
export CARGO_NET_OFFLINE=true CARGO_TERM_COLOR=never CARGO_INCREMENTAL=1 CARGO_BUILD_JOBS=2
built() { cargo build 2>said || fail "$(tail -n 3 said)"; }
body() {
    unset CARGO_TARGET_DIR RUSTFLAGS CARGO_MANIFEST_DIR
    built
    same ran "$(target/debug/app)" 15
    built
    same again "$(grep -c Compiling said || :)" 0
    tick
    printf 'int part(void) { return 4; }\n' >app/part.c
    built
    same again "$(grep -c Compiling said)" 1
    same ran "$(target/debug/app)" 16
    printf 'int part(void) { return 3; }\n' >app/part.c
    tick
    echo '// changed' >>app/src/main.rs
    cargo test >said 2>&1 || fail "$(tail -n 3 said)"
    same passed "$(grep -c '^test .* ok$' said)" 3
    # Incremental: what the compiler kept is taken again.
    there "$(find target/debug/incremental -name query-cache.bin | head -n 1)"
    cargo clean -q
    gone target
}
play "$@"
