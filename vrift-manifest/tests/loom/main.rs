//! The two protocols in shared memory under loom, which tries every order in which threads can take their steps and
//! every value that the memory model lets them see: `RUSTFLAGS="--cfg loom" cargo test -p vrift-manifest --release
//! --test loom`. Without that flag there is nothing here.
#![cfg(loom)]

mod latch;
mod latch_whole;
mod latch_without_acquire;
mod latch_without_release;
mod lock;
