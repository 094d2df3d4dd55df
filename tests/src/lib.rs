//! Helpers of the end-to-end tests: a sandbox with a store of its own, and the built command to run in it.
#![forbid(unsafe_code)]

pub mod damage;
pub mod fixture;
pub mod installed;
pub mod random;
pub mod refusing;
pub mod sandbox;
pub mod source;
pub mod stays;
pub mod terminal;
#[cfg(target_arch = "x86_64")]
pub mod traced;
