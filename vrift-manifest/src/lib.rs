//! A directory tree as data.
#![deny(unsafe_code)]

pub mod attributes;
pub mod census;
pub mod handover;
pub mod hash;
pub mod image;
pub mod index;
pub mod journal;
pub mod listener;
pub mod name;
pub mod places;
pub mod robust;
pub mod session;
mod shm;
pub use shm::lease;
pub mod signals;
pub mod time;
pub mod tree;
pub mod waiting;
pub mod workspace;
