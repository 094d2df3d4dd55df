//! Writing what is new and putting it in force; taking away what is gone.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{RenameFlags, Stat, renameat_with};
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;

use super::apply::{CHANGED, Work};
use super::compare::Difference;
use super::dispose;
use super::forms::{self, Unwritten};
use super::place::{is_as_seen, look};
use crate::error::{Error, Result};
use crate::ingest;
use crate::interrupt;

impl Work<'_> {
    /// Writes what is new, then puts each in force.
    pub(super) fn write_all(&mut self, made: &[&Difference]) -> Result<()> {
        let mut parts: Vec<(&Difference, CString)> = Vec::new();
        let mut written = Ok(());
        for &difference in made {
            written = interrupt::check();
            if written.is_err() {
                break;
            }
            let part = match self.is_only_attributes(difference) {
                true => self.adjust(difference).map(|()| None),
                false => self.write(difference),
            };
            match part {
                Ok(Some(part)) => parts.push((difference, part)),
                Ok(None) => {}
                Err(error) => {
                    written = Err(error);
                    break;
                }
            }
        }
        if written.is_ok() && !parts.is_empty() {
            written = self.sync();
        }
        for (difference, part) in parts {
            written = written.and_then(|()| interrupt::check());
            if written.is_ok() {
                written = self.put_in_force(difference, &part);
            } else if let Ok((above, _)) = self.root.parent(&difference.path) {
                // What is in the way of nobody is removed by the next apply.
                let _ = dispose::remove_own(above.as_fd(), &part);
            }
        }
        written
    }

    fn write(&mut self, difference: &Difference) -> Result<Option<CString>> {
        let path = &difference.path;
        let (Some(at), Some(facts)) = (difference.at.ours, &difference.facts[1]) else {
            return Ok(None);
        };
        if let Some(busy) = self.sides.busy_below(at, path)? {
            self.problem(&busy, "is being written in the workspace at this moment");
            return Ok(None);
        }
        let above = match self.root.parent(path) {
            Ok((above, _)) => above,
            Err(errno) => return self.refused(path, errno).map(|()| None),
        };
        let (part, store) = (self.names.part(), self.job.home.store());
        self.touch_above(path);
        let (what, place) = ((at, path.as_slice(), facts), (above.as_fd(), part.as_c_str()));
        match forms::write(&self.sides, store, what, place, &self.counters) {
            Ok(losses) => {
                for loss in losses {
                    self.problem(&ingest::join(path, &loss.path), loss.what.to_string());
                }
                Ok(Some(part))
            }
            Err(why) => {
                let _ = dispose::remove_own(above.as_fd(), &part);
                match why {
                    Unwritten::Refused(why) => self.problem(path, why),
                    Unwritten::Interrupted(signal) => return Err(Error::interrupted(signal)),
                    Unwritten::Full(full) => {
                        return Err(Error::failed("").caused_by(full).hint(
                            "nothing that the directory has was touched; make room and apply again",
                        ));
                    }
                }
                Ok(None)
            }
        }
    }

    fn put_in_force(&mut self, difference: &Difference, part: &CStr) -> Result<()> {
        let path = &difference.path;
        let (above, name) = match self.root.parent(path) {
            Ok(place) => place,
            Err(errno) => return self.refused(path, errno),
        };
        let done = match difference.at.real {
            None => renameat_with(&above, part, &above, &name, RenameFlags::NOREPLACE)
                .map(|()| true)
                .or_else(|errno| if errno == Errno::EXIST { Ok(false) } else { Err(errno) }),
            Some(index) => self.change_places(above.as_fd(), part, &name, index, path),
        };
        match done {
            Ok(true) => {
                self.entries += difference.entries;
                self.done.insert(path.clone());
                Ok(())
            }
            Ok(false) => {
                let _ = dispose::remove_own(above.as_fd(), part);
                self.problem(path, CHANGED);
                Ok(())
            }
            Err(errno) => {
                let _ = dispose::remove_own(above.as_fd(), part);
                self.refused(path, errno)
            }
        }
    }

    /// Puts what is whole in the place of what was seen as the entry `index`. `false`: that has changed since, and
    /// stays.
    pub(super) fn change_places(
        &mut self,
        above: BorrowedFd<'_>,
        part: &CStr,
        name: &CStr,
        index: usize,
        path: &[u8],
    ) -> Result<bool, Errno> {
        let seen = self.real.entries().get(index);
        let is_it = |name: &CStr| {
            let stat = look(above, name);
            stat.is_ok_and(|stat| seen.is_some_and(|seen| is_as_seen(&stat, seen, false)))
        };
        if !is_it(name) {
            return Ok(false);
        }
        let old = self.names.whole();
        let ours = look(above, part)?;
        renameat_with(above, part, above, &old, RenameFlags::NOREPLACE)?;
        if let Err(errno) = renameat_with(above, &old, above, name, RenameFlags::EXCHANGE) {
            // As it was, for whoever removes it.
            let _ = renameat_with(above, &old, above, part, RenameFlags::NOREPLACE);
            return Err(errno);
        }
        if !dispose::is_unchanged(above, &old, self.real, index) {
            self.give_back(above, &old, name, &ours, path)?;
            return Ok(false);
        }
        if let Err(errno) = dispose::remove_seen(above, &old, self.real, index) {
            let old = old.to_string_lossy();
            let cause = std::io::Error::from(errno);
            self.problem(
                path,
                format!("is replaced, and what it was stays beside it as '{old}': {cause}"),
            );
        }
        Ok(true)
    }

    /// Puts what came out back in its place, and removes what was put there instead (`ours`). Somebody may have put
    /// something else there in that moment: then that stays, and what came out is what he has replaced.
    pub(super) fn give_back(
        &mut self,
        above: BorrowedFd<'_>,
        old: &CStr,
        name: &CStr,
        ours: &Stat,
        path: &[u8],
    ) -> Result<(), Errno> {
        let identity = |stat: &Stat| (stat.st_dev, stat.st_ino);
        let mut expected = identity(ours);
        let out = loop {
            let put = identity(&look(above, old)?);
            renameat_with(above, old, above, name, RenameFlags::EXCHANGE)?;
            let out = look(above, old)?;
            if identity(&out) == expected {
                break out;
            }
            expected = put;
        };
        // Somebody may have opened ours in that moment, to add to it.
        let (now, was) = (ingest::attributes(&out), ingest::attributes(ours));
        let is_ours = identity(&out) == identity(ours);
        let written = (now.mtime, now.size) != (was.mtime, was.size);
        let is_file = Kind::of_mode(now.mode) == Some(Kind::File);
        if is_ours && is_file && (written || dispose::is_being_written(above, old)) {
            let old = old.to_string_lossy();
            self.problem(
                path,
                format!("was written in the moment of its replacement: see '{old}' beside it"),
            );
            return Ok(());
        }
        dispose::remove_own(above, old)
    }

    pub(super) fn remove(&mut self, difference: &Difference) -> Result<()> {
        interrupt::check()?;
        let path = &difference.path;
        let Some(index) = difference.at.real else { return Ok(()) };
        let (above, name) = match self.root.parent(path) {
            Ok(place) => place,
            Err(errno) => return self.refused(path, errno),
        };
        self.touch_above(path);
        let old = self.names.whole();
        let moved = renameat_with(&above, &name, &above, &old, RenameFlags::NOREPLACE);
        if let Err(errno) = moved {
            return match errno {
                Errno::NOENT => Ok(()),
                errno => self.refused(path, errno),
            };
        }
        if !dispose::is_unchanged(above.as_fd(), &old, self.real, index) {
            let back = renameat_with(&above, &old, &above, &name, RenameFlags::NOREPLACE);
            match back {
                Ok(()) => self.problem(path, CHANGED),
                Err(_) => {
                    let old = old.to_string_lossy();
                    self.problem(path, format!("changed meanwhile, and lies beside it as '{old}'"));
                }
            }
            return Ok(());
        }
        match dispose::remove_seen(above.as_fd(), &old, self.real, index) {
            Ok(()) => {
                self.entries += difference.entries;
                Ok(())
            }
            Err(errno) => {
                // What is left of it gets its name again.
                let _ = renameat_with(&above, &old, &above, &name, RenameFlags::NOREPLACE);
                self.refused(path, errno)
            }
        }
    }
}
