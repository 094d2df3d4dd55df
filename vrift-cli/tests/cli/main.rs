//! The library parts of the command, through their public interface.
#![allow(clippy::unwrap_used)]

mod export;
mod ingest;
mod support;
