//! Running a command in a tree: what it is started with, what is done while it runs, and what is left when it ends.
//!
//! A run is two processes. The **front** is the one that was called: it waits, hands on the signals that were sent to it
//! alone, stops when the command stops, goes on when it is told to, and ends as the command did. Its child, the **back**, does
//! everything else: the command is its child, in the process group of the front, so a terminal's signals reach the command as
//! if the shell had started it, and so do those that are sent to the group. Being the subreaper the back inherits every
//! process that loses its parent, so it knows when the last one is gone that could still write into the tree. It goes on
//! without the front, as long as it answers for somebody, and if the front is killed.

mod back;
mod closing;
mod directory;
mod environment;
mod front;
mod host;
mod left;
mod library;
mod listeners;
mod message;
mod parting;
mod place_of_run;
mod processes;
mod program;
mod signals;
mod spawn;
mod stay;
mod supervise;

pub use back::Back;
pub use closing::{Begun, Closing, closing, tell_damaged, tell_refused};
pub use directory::{Start, start};
pub use environment::{Environment, environment};
pub use front::{Ends, Part, part};
pub use left::Left;
pub use library::library;
pub use listeners::Listeners;
pub use message::Message;
pub use parting::restore;
pub use place_of_run::Run;
pub use program::{NOT_EXECUTABLE, NOT_FOUND, Program, cannot_be_seen, program};
pub use signals::Signals;
pub use spawn::spawn;
pub use stay::stay;
pub use supervise::{Ended, supervise};
