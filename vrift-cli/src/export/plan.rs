//! What all threads of an export share, and what becomes of errors.

use std::ffi::CString;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};

use super::attributes::Exporter;
use super::content::Copier;
use super::links::Links;
use super::loss::{Loss, What};
use super::source::Source;
use super::write::Report;
use crate::output::progress::Counters;

/// An entry that is to be written.
pub struct Item<N> {
    pub name: CString,
    pub node: N,
    pub attributes: Attributes,
}

/// Why the export ends at once: the file system takes no more.
pub type Full = (Vec<u8>, std::io::Error);

/// What all threads share.
pub struct Plan<'p, S: Source> {
    pub source: &'p S,
    pub force: bool,
    pub exporter: Exporter,
    pub copier: Copier,
    pub links: Links<Item<S::Node>>,
    pub losses: Mutex<Vec<Loss>>,
    pub counters: &'p Counters,
}

impl<'p, S: Source> Plan<'p, S> {
    /// Nothing done yet.
    pub fn new(source: &'p S, force: bool, counters: &'p Counters) -> Plan<'p, S> {
        Plan {
            source,
            force,
            exporter: Exporter::of_process(),
            copier: Copier::default(),
            links: Links::new(),
            losses: Mutex::default(),
            counters,
        }
    }

    /// What the source says, or a loss.
    pub fn known<T>(&self, path: Vec<u8>, ask: impl FnOnce() -> Result<T, S::Error>) -> Option<T> {
        match ask() {
            Ok(answer) => Some(answer),
            Err(error) => {
                let text = crate::error::Error::failed("").caused_by(error).to_string();
                self.lost(path, What::Unreadable(text));
                None
            }
        }
    }

    /// An entry that was refused is a loss; a file system that takes no more ends the export.
    pub fn refused(&self, path: Vec<u8>, kind: Kind, errno: Errno) -> Result<(), Full> {
        match errno {
            Errno::NOSPC | Errno::DQUOT | Errno::ROFS | Errno::IO => Err((path, errno.into())),
            Errno::EXIST | Errno::NOTEMPTY => {
                self.lost(path, What::InTheWay(errno));
                Ok(())
            }
            errno => {
                self.lost(path, What::Create(kind, errno));
                Ok(())
            }
        }
    }

    pub fn lost(&self, path: Vec<u8>, what: What) {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).push(Loss { path, what });
    }

    pub fn report(self) -> Report {
        let mut losses = self.losses.into_inner().unwrap_or_else(PoisonError::into_inner);
        losses.sort_by(|a, b| a.path.cmp(&b.path));
        Report { losses }
    }
}
