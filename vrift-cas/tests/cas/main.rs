//! One test binary; its modules mirror the sources, or name what they do to a store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod blobs;
mod child;
mod crash;
mod full;
mod gc;
mod open;
mod processes;
mod put;
mod read;
mod staging;
mod support;
mod trust;
mod trust_model;
mod users;
