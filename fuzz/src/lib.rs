//! What the targets share.
#![forbid(unsafe_code)]

pub mod image;
