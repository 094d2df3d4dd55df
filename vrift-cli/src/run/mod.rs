//! Running a command in a tree: what it is started with, what is done while it runs, and what is left when it ends.
//!
//! The command is a child in the same process group, so a terminal's signals reach it as if the shell had started it,
//! and so do those that are sent to the group. `vrift` itself takes signals from a descriptor: it hands on what was sent
//! to it alone, stops when the command stops, and goes on when it is told to. Being the subreaper it inherits every
//! process that loses its parent, so it knows when the last one is gone that could still write into the tree.

mod closing;
mod directory;
mod environment;
mod host;
mod left;
mod library;
mod listeners;
mod place_of_run;
mod processes;
mod program;
mod signals;
mod spawn;
mod supervise;

pub use closing::{Closing, closing, now as closing_now, tell_refused};
pub use directory::{Start, start};
pub use environment::{Environment, environment};
pub use left::Left;
pub use library::library;
pub use listeners::Listeners;
pub use place_of_run::Run;
pub use program::{NOT_EXECUTABLE, NOT_FOUND, Program, cannot_be_seen, program};
pub use signals::Signals;
pub use spawn::spawn;
pub use supervise::{Ended, supervise};
