//! The journal: what happened to a tree, one checksummed record after the other.
//!
//! A segment is one file of records. It is appended to through a mapping by the holder of the workspace's lock, and
//! never changes again once it is closed, so forks and snapshots share it. A record has happened when the control
//! page's `committed` position covers it; it survives `kill -9` from then on, and a power cut from the next sync on.
//!
//! Bytes that are no record, with nothing valid behind them, are the torn end of an append that did not happen, and
//! are cut. What else may be wrong, and what it is then taken for, stands in [`replay`].

pub mod append;
pub mod position;
pub mod record;
pub mod replay;
pub mod segment;
mod sound;

pub use position::Position;
pub use record::{Operation, Reason, Record};
pub use segment::SegmentId;
