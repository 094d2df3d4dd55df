//! A workspace's history in words: which record did what, to which path, and which process that was.
//!
//! Records speak of node numbers, because paths change. What a number was called when a record was made follows from
//! the image that its era began with and the records since: so an era is read forwards, also where the newest record
//! is shown first.

mod blame;
mod event;
mod filter;
mod known;
mod names;
mod processes;
mod reader;

pub use blame::Blame;
pub use event::{Event, word};
pub use filter::Filter;
pub use names::Names;
pub use processes::{Process, Processes};
pub use reader::{Body, Line, Reader};
