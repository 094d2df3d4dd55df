//! The live index: what the journal changed, as shared memory over the image.
//!
//! Readers use it without waiting for anybody; one process at a time edits it, holding the workspace's lock. It is a
//! cache: on doubt it is thrown away and built again from the journal.
//!
//! Everything is 64-bit words, reached by their number ("offset"). A header of 64 words is followed by an arena that
//! only grows. In the arena lie node records, entry records, name and target bytes, and two hash tables. A table is
//! never rehashed in place: a larger one is filled first and then published by one store, and the old one stays as it
//! was for readers that still look at it.
//!
//! - A **node record** exists for every node that the journal touched. Its attributes are a latch (see [`latch`]).
//! - An **entry record** says what a name in a directory means now, whatever the image says: a node record's offset,
//!   or 0 for "no such name". Renaming over a name switches this one word, so the name is never seen missing.
//! - A directory whose entries changed always has a node record (its times changed), and the entry table is keyed by
//!   that record's offset and the name. A directory without one is read from the image alone.

pub mod edit;
mod header;
pub mod latch;
pub mod layout;
pub mod read;
mod resume;
pub mod state;

pub use edit::Editor;
pub use read::{EntryRef, Index, NodeRef};
pub use state::NodeState;
