//! What a command leaves behind.

use std::path::Path;

use super::processes::{Process, descendants};
use crate::output::names;

/// A process that goes on after the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The process.
    pub process: Process,
    /// Whether it can still write into the tree.
    pub writes: bool,
    /// Whether it has a session of its own, as daemons do.
    pub is_daemon: bool,
}

impl Left {
    /// Those that there are now. `drafts`: where the files lie that are being written; `session`: the caller's.
    pub fn all(drafts: &Path, session: i32) -> Vec<Left> {
        let left = |process: Process| Left {
            writes: !process.writes_in(drafts).is_empty(),
            is_daemon: process.session != session,
            process,
        };
        descendants().into_iter().map(left).collect()
    }

    /// Whether what it asks the kernel may be told to this process: it has a filter that this one has not. The kernel does not
    /// say whose; a program can have one of its own.
    pub fn may_ask(&self) -> bool {
        let own = Process::of(rustix::process::getpid().as_raw_nonzero().get());
        self.process.filters() > own.and_then(|own| own.filters())
    }

    /// `sleep[4711]`.
    pub fn short(&self) -> String {
        format!("{}[{}]", names::shown(&self.process.name), self.process.pid)
    }
}
