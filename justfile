# The commands of daily work. `just` alone lists them.

default:
    @just --list

# Everything that continuous integration checks.
check:
    ./scripts/test

# Format all sources.
fmt:
    cargo fmt --all

# Lints as continuous integration sees them.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# All tests, driving a release build of the command.
test:
    cargo build --release -p vrift-cli
    VRIFT_BIN={{justfile_directory()}}/target/release/vrift cargo test --workspace

# The documentation of every crate.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Licences, advisories and sources of all dependencies (needs cargo-deny).
deny:
    cargo deny check
