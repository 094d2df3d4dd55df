//! A directory tree as data.
#![deny(unsafe_code)]

pub mod attributes;
pub mod hash;
pub mod image;
pub mod name;
pub mod time;
pub mod index;
pub mod journal;
mod shm;
pub mod tree;
pub mod workspace;
