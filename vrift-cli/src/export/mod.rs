//! Writing a tree to a real directory.
//!
//! Everything is made relative to open directories with `O_EXCL` and `O_NOFOLLOW`, one checked name at a time, so
//! nothing outside of the destination is ever touched, whatever names or symlinks the tree has and whoever changes
//! the destination meanwhile. A directory gets its mode and times when everything below it is there.

mod attributes;
mod content;
mod destination;
mod entry;
mod leaf;
mod links;
mod loss;
mod pending;
mod plan;
mod source;
mod workspace;
mod write;

pub(crate) use attributes::Exporter;
pub use destination::ExportError;
pub use loss::{Loss, What};
pub use source::{Child, Source};
pub use workspace::OfTree;
pub use write::{Options, Report, export};
