//! A store holds each content once, named by its BLAKE3 digest.
#![forbid(unsafe_code)]

mod digest;

pub use digest::{Digest, DigestError, Hasher};
