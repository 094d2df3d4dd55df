//! A run's number, and the census that its processes keep.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fd::OwnedFd;
use rustix::rand::{GetRandomFlags, getrandom};
use vrift_manifest::census::{self, Census};
use vrift_manifest::handover::Handover;

use crate::error::{Error, Result};

/// A run in progress. Its census goes with it.
#[derive(Debug)]
pub struct Run {
    handover: Handover,
    /// As long as it is open, nobody takes the census for a leftover.
    _held: OwnedFd,
}

impl Run {
    /// Begins a run: gives it a number, which `handover` has from here on, and an empty census.
    pub fn begin(handover: &mut Handover) -> Result<Run> {
        clear(handover);
        let failed = |errno: rustix::io::Errno, handover: &Handover| {
            Error::at("make a file in", &handover.runtime, errno)
        };
        loop {
            let mut number = [0; 8];
            getrandom(&mut number[..], GetRandomFlags::empty())
                .map_err(|errno| failed(errno, handover))?;
            handover.run = u64::from_le_bytes(number).max(1);
            let runtime = handover.runtime.as_os_str().as_bytes();
            match census::create(runtime, handover.id.as_bytes(), handover.run) {
                Err(rustix::io::Errno::EXIST) => {}
                Err(errno) => return Err(failed(errno, handover)),
                Ok(held) => return Ok(Run { handover: handover.clone(), _held: held }),
            }
        }
    }

    /// What was noted so far; nothing if the file is gone.
    pub fn census(&self) -> Census {
        Census::parse(&fs::read(self.path()).unwrap_or_default())
    }

    fn path(&self) -> std::path::PathBuf {
        let Handover { runtime, id, run, .. } = &self.handover;
        runtime.join(format!("{}{id}-{run:016x}", census::PREFIX))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = fs::remove_file(self.path());
    }
}

/// Removes what killed runs have left.
fn clear(handover: &Handover) {
    let Ok(entries) = fs::read_dir(&handover.runtime) else { return };
    let ours = format!("{}{}-", census::PREFIX, handover.id);
    for entry in entries.flatten() {
        if !entry.file_name().as_bytes().starts_with(ours.as_bytes()) {
            continue;
        }
        let path = entry.path();
        if CString::new(path.clone().into_os_string().into_vec())
            .is_ok_and(|path| census::is_left_over(&path))
        {
            let _ = fs::remove_file(path);
        }
    }
}
