//! fsync, fdatasync, syncfs.

use std::ffi::c_int;

use super::args::{answer_for_descriptor, done};
use crate::vfs::sync;

hook! {
    /// fsync(2)
    real => fn fsync(descriptor: c_int) -> c_int {
        answer_for_descriptor(sync::file(descriptor), || real(descriptor), done)
    }
}

hook! {
    /// fdatasync(2)
    real => fn fdatasync(descriptor: c_int) -> c_int {
        answer_for_descriptor(sync::file(descriptor), || real(descriptor), done)
    }
}

hook! {
    /// syncfs(2)
    real => fn syncfs(descriptor: c_int) -> c_int {
        answer_for_descriptor(sync::file_system(descriptor), || real(descriptor), done)
    }
}
