//! A workspace against the real directory that it came from: what differs, and on which side it changed; taking in what
//! changed in the directory (*sync*); writing back what changed in the workspace (*apply*).
//!
//! Which side has changed is told by the *base*, the tree that both had in common last: an image that the workspace's
//! description names. After a sync or an apply the directory is looked at once more, and what both have in common *then*
//! is the base, whatever was done or failed on the way. So a step that was killed anywhere is finished by the next one:
//! what has been done already is the same on both sides, and nothing is left to be done about it.

mod agreed;
mod apply;
mod attributes;
mod build;
mod compare;
mod dispose;
mod forms;
mod job;
mod joined;
mod merged;
mod place;
mod shown;
mod sides;
mod sync;
mod temporary;
mod written;

pub use apply::Applied;
pub use compare::{Compared, Difference, Verdict};
pub use job::{Job, Problem, of_config};
pub(crate) use place::path_of;
pub use shown::{Show, row, said_of};
pub use sides::{Facts, Sides, Triple};
pub use sync::Synced;
pub(crate) use temporary::is_temporary;
