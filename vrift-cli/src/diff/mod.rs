//! What differs between two trees, each of which is a state of a workspace or a real directory.
//!
//! What counts: type, permission, content, symlink target and device number; between two workspaces also owner and
//! extended attributes. Times do not: a tree that was built again is the same tree. A node that has another name is
//! renamed: two trees of one history know it by its number, others by a content that only one name lost and only one
//! name gained.

mod compare;
mod patch;
mod renames;
mod side;

pub use compare::{Aspect, Difference, compare};
pub use patch::{Lines, changed_lines, write_patch};
pub use renames::{known_below, pair};
pub use side::{Item, Side};
