//! What the targets share.
#![forbid(unsafe_code)]

pub mod changes;
pub mod image;
pub mod input;
#[path = "../../vrift-manifest/tests/model/posix.rs"]
pub mod posix;
#[path = "../../vrift-manifest/tests/model/seen.rs"]
pub mod seen;
pub mod trees;
pub mod walker;
