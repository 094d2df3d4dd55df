//! A tree: an image, and over it a live index that says what the journal changed.
//!
//! The same code reads a workspace that other processes are changing and a past state of it: the one has its index in
//! shared memory, the other in memory of its own.

pub mod apply;
pub mod change;
pub mod children;
pub mod listing;
mod long_walk;
pub mod path;
pub mod read;
mod replay;
mod reverse;
pub mod walk;
pub mod xattrs;

pub(crate) use apply::DIRECTORY_SIZE;
pub use change::{Change, ChangeError, RenameMode};
pub use listing::Listed;
pub use read::{ContentState, Cursor, ROOT, Tree};
pub(crate) use read::{digest_words, words_digest};
pub use walk::{Credentials, Found, WalkError};
