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
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
