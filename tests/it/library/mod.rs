//! The preloaded library in a process that is killed, or whose calls fail, at every place. Programs of the system, so that
//! what goes wrong is what goes wrong for a user.
#![cfg(target_arch = "x86_64")]

mod errors;
mod kills;
mod kills_of_command;
mod operations;
mod picture;
mod scene;

/// Of all places, how many are tried: one in so many, as the environment says it.
fn one_in(variable: &str, otherwise: usize) -> usize {
    number(variable).unwrap_or(otherwise)
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Which places: with as many seeds from 0 on as one is taken of, all are.
fn seed() -> usize {
    number("VRIFT_TEST_SEED").unwrap_or(0)
}
