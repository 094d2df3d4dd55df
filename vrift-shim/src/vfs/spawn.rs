//! What a process that is spawned does before it is another program: libc does it in the child by its own means, which
//! know nothing of the tree. What concerns the tree is done here, in the parent, at the time of the spawn: files are opened
//! (so that one that is written has its draft), and directories become their placeholders.

use std::ffi::{CStr, CString, c_int};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use vrift_manifest::places;

use super::find::{self, At, CWD, Work};
use super::session::Given;
use super::{Answer, descriptor, directory, open};
use crate::sys::fd;

/// One thing that the child is to do.
#[derive(Clone)]
pub enum Action {
    /// close
    Close(c_int),
    /// dup2
    Duplicate(c_int, c_int),
    /// open as a descriptor
    Open {
        /// The descriptor.
        descriptor: c_int,
        /// The path.
        path: CString,
        /// open's flags.
        flags: c_int,
        /// open's mode.
        mode: u32,
    },
    /// chdir
    Enter(CString),
    /// fchdir
    EnterDescriptor(c_int),
    /// closefrom
    CloseFrom(c_int),
    /// tcsetpgrp
    Foreground(c_int),
}

/// What libc is told instead.
pub struct Plan {
    /// The actions; `None`: those that were asked for.
    pub actions: Option<Vec<Action>>,
    /// Where the child will be when it becomes the program.
    pub directory: c_int,
    /// What was opened for the child.
    held: Vec<OwnedFd>,
}

impl Plan {
    /// Nothing to do.
    pub fn empty() -> Plan {
        Plan { actions: None, directory: CWD, held: Vec::new() }
    }

    /// What is to be done for these actions.
    pub fn of(given: &'static Given, asked: &[Action]) -> Result<Plan, Errno> {
        let mut plan = Plan::empty();
        if !asked.iter().any(|action| {
            matches!(action, Action::Open { .. } | Action::Enter(_) | Action::EnterDescriptor(_))
        }) {
            return Ok(plan);
        }
        let mut actions = Vec::with_capacity(asked.len());
        let mut changed = false;
        for (at, action) in asked.iter().enumerate() {
            let before = asked.get(..at).unwrap_or(&[]);
            let instead = match action {
                Action::Open { descriptor, path, flags, mode } => {
                    plan.open(asked, before, *descriptor, path, *flags, *mode)?
                }
                Action::Enter(path) => plan.enter(given, path)?,
                Action::EnterDescriptor(descriptor) => {
                    plan.enter_descriptor(before, *descriptor)?;
                    None
                }
                _ => None,
            };
            changed |= instead.is_some();
            actions.push(instead.unwrap_or_else(|| action.clone()));
        }
        plan.actions = changed.then_some(actions);
        Ok(plan)
    }

    /// Opens what lies in the tree; what the child does instead.
    fn open(
        &mut self,
        all: &[Action],
        before: &[Action],
        target: c_int,
        path: &CStr,
        flags: c_int,
        mode: u32,
    ) -> Result<Option<Action>, Errno> {
        let mut work = Work::default();
        let flags = flags | libc::O_CLOEXEC;
        let opened = open::open(self.directory, Some(path.to_bytes()), flags, mode, &mut work)?;
        let opened = match opened {
            Answer::Kernel => return Ok(None),
            Answer::Elsewhere(other) => {
                let (path, flags) = (other.to_owned(), flags & !libc::O_CLOEXEC);
                return Ok(Some(Action::Open { descriptor: target, path, flags, mode }));
            }
            Answer::Ours(opened) => opened,
        };
        let opened = self.hold(opened, out_of_reach(all))?;
        if !before.iter().any(|action| matches!(action, Action::CloseFrom(_))) {
            return Ok(Some(Action::Duplicate(opened, target)));
        }
        // The child will have closed it by then; this process has it all the time.
        let path = by_process(opened)?;
        let kept = libc::O_ACCMODE | libc::O_APPEND | libc::O_NONBLOCK | libc::O_DIRECTORY;
        Ok(Some(Action::Open { descriptor: target, path, flags: flags & kept, mode: 0 }))
    }

    /// Keeps a descriptor for the child, where no action of it comes in the way.
    fn hold(&mut self, opened: c_int, lowest: c_int) -> Result<c_int, Errno> {
        let opened = fd::own(opened);
        let moved = rustix::io::fcntl_dupfd_cloexec(&opened, lowest)?;
        let number = moved.as_raw_fd();
        descriptor::duplicated(opened.as_raw_fd(), number);
        self.held.push(moved);
        Ok(number)
    }

    fn enter(&mut self, given: &'static Given, path: &CStr) -> Result<Option<Action>, Errno> {
        let mut work = Work::default();
        match find::node(self.directory, Some(path.to_bytes()), true, &mut work)? {
            Answer::Kernel => {
                self.stand_in(self.directory, path);
                Ok(None)
            }
            Answer::Elsewhere(other) => {
                self.stand_in(CWD, other);
                Ok(Some(Action::Enter(other.to_owned())))
            }
            Answer::Ours(at) => {
                let placeholder = placeholder(given, at)?;
                self.stand_in(CWD, &placeholder);
                Ok(Some(Action::Enter(placeholder)))
            }
        }
    }

    /// Later paths begin at this directory. If it cannot be opened, the child fails there and does not come to them.
    fn stand_in(&mut self, from: c_int, path: &CStr) {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let from = match from {
            CWD => Ok(rustix::fs::CWD),
            other => descriptor::borrow(other),
        };
        let opened = from.and_then(|from| rustix::fs::openat(from, path, flags, Mode::empty()));
        if let Ok(opened) = opened {
            self.directory = opened.as_raw_fd();
            self.held.push(opened);
        }
    }

    fn enter_descriptor(&mut self, before: &[Action], mut wanted: c_int) -> Result<(), Errno> {
        for action in before.iter().rev() {
            match action {
                Action::Duplicate(old, new) if *new == wanted => wanted = *old,
                // Opened by the child: only it knows.
                Action::Open { descriptor, .. } if *descriptor == wanted => return Ok(()),
                _ => {}
            }
        }
        directory::may_enter_descriptor(wanted)?;
        self.directory = wanted;
        Ok(())
    }
}

fn placeholder(given: &'static Given, at: At) -> Result<CString, Errno> {
    directory::may_enter_node(at)?;
    let runtime = given.handover.runtime.as_os_str().as_bytes();
    let id = given.handover.id.as_bytes();
    let mut buffer = [0; places::PATH_MAX];
    places::make(runtime, id, at.number()?, &mut buffer).map(CStr::to_owned)
}

/// A descriptor of this process, as a child finds it that has closed its own.
pub fn by_process(descriptor: c_int) -> Result<CString, Errno> {
    let process = rustix::process::getpid().as_raw_pid();
    CString::new(format!("/proc/{process}/fd/{descriptor}")).map_err(|_| Errno::INVAL)
}

/// A number above all descriptors that the actions name.
fn out_of_reach(actions: &[Action]) -> c_int {
    let highest = actions.iter().map(|action| match *action {
        Action::Close(one) | Action::EnterDescriptor(one) | Action::Foreground(one) => one,
        Action::Duplicate(old, new) => old.max(new),
        Action::Open { descriptor, .. } => descriptor,
        Action::Enter(_) | Action::CloseFrom(_) => 0,
    });
    highest.max().unwrap_or(0).max(2).saturating_add(1)
}
