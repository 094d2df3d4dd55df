//! Permission, owner, attributes and times, where they are all that differs.

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, XattrFlags, chmod, fchmod,
    fremovexattr, fsetxattr, fstat, futimens, openat, utimensat,
};
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::time::Timestamp;

use super::apply::{CHANGED, Work};
use super::compare::Difference;
use super::place::{self, is_as_seen, path_of};
use super::sides::At;
use crate::error::Result;
use crate::export::Exporter;

impl Work<'_> {
    /// Whether mode and times are all that differs: they are set where they are. Not of a file that has further names,
    /// which may be other files in the workspace.
    pub(super) fn is_only_attributes(&self, difference: &Difference) -> bool {
        let [_, Some(ours), Some(real)] = &difference.facts else { return false };
        real.attributes.nlink < 2
            && !ours.is_directory()
            && !ours.unknown
            && ours.holds_same(real)
            && ours.owner() == real.owner()
            && ours.xattrs == real.xattrs
    }

    pub(super) fn adjust(&mut self, difference: &Difference) -> Result<()> {
        let (path, [_, ours, real]) = (&difference.path, &difference.facts);
        let (Some(ours), Some(real)) = (ours, real) else { return Ok(()) };
        let seen = difference.at.real.and_then(|index| self.real.entries().get(index));
        let done = self.root.parent(path).and_then(|(above, name)| {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = openat(&above, &name, flags, Mode::empty())?;
            if !seen
                .is_some_and(|seen| fstat(&file).is_ok_and(|stat| is_as_seen(&stat, seen, false)))
            {
                return Ok(false);
            }
            if ours.mode() != real.mode() {
                chmod(path_of(&file), Mode::from_raw_mode(ours.mode()))?;
            }
            let times = times(ours.attributes.mtime);
            if ours.kind == Kind::Symlink {
                utimensat(&above, &name, &times, AtFlags::SYMLINK_NOFOLLOW)?;
            } else {
                utimensat(CWD, path_of(&file), &times, AtFlags::empty())?;
            }
            Ok(true)
        });
        match done {
            Ok(true) => {
                self.entries += 1;
                self.done.insert(path.clone());
                Ok(())
            }
            Ok(false) | Err(Errno::NOENT) => {
                self.problem(path, CHANGED);
                Ok(())
            }
            Err(errno) => self.refused(path, errno),
        }
    }

    /// Permission, owner and attributes of a directory that both have.
    pub(super) fn directory(&mut self, difference: &Difference) {
        let path = &difference.path;
        let [_, Some(ours), Some(real)] = &difference.facts else { return };
        let done = self.root.opened(path).and_then(|directory| {
            let seen = difference.at.real.and_then(|index| self.real.entries().get(index));
            let stat = fstat(&directory)?;
            if !seen.is_some_and(|seen| is_as_seen(&stat, seen, false)) {
                return Ok(Some(CHANGED.to_owned()));
            }
            for attribute in &real.xattrs {
                if !ours.xattrs.iter().any(|kept| kept.name == attribute.name) {
                    fremovexattr(&directory, attribute.name.as_slice())?;
                }
            }
            if ours.owner() != real.owner() {
                let mut lost = None;
                let attributes = &ours.attributes;
                Exporter::of_process().apply_to_file(
                    &directory,
                    attributes,
                    &ours.xattrs,
                    &mut |what| {
                        lost.get_or_insert(what.to_string());
                    },
                );
                return Ok(lost);
            }
            for attribute in &ours.xattrs {
                let (name, value) = (attribute.name.as_slice(), &attribute.value);
                fsetxattr(&directory, name, value, XattrFlags::empty())?;
            }
            fchmod(&directory, Mode::from_raw_mode(ours.mode()))?;
            Ok(None)
        });
        match done {
            Ok(None) => {
                self.entries += 1;
                self.touched.insert(path.clone(), difference.at);
            }
            Ok(Some(why)) => self.problem(path, why),
            Err(errno) => {
                self.problem(path, format!("cannot be changed: {}", std::io::Error::from(errno)));
            }
        }
    }

    /// Directories get the times that they have in the workspace, if they have the same names in them. One in which the
    /// directory has others, too, keeps a later one of its own.
    pub(super) fn give_times(&mut self) {
        for (path, at) in &self.touched {
            let Ok([_, Some(ours), real]) = self.sides.all(at) else { continue };
            if !ours.is_directory() {
                continue;
            }
            let Ok(directory) = self.root.opened(path) else { continue };
            let mut names = place::names_in(&directory).unwrap_or_default();
            names.sort();
            let known = at.ours.map(At::Ours).map(|at| self.sides.entries(at, path));
            let mut known = known.and_then(Result::ok).unwrap_or_default();
            known.sort_by(|one, other| one.0.cmp(&other.0));
            let same = names
                .iter()
                .map(|name| name.to_bytes())
                .eq(known.iter().map(|(name, _)| &name[..]));
            let before = real.filter(|_| !same).map(|real| real.attributes.mtime);
            let mtime =
                before.map_or(ours.attributes.mtime, |before| before.max(ours.attributes.mtime));
            // Who is not the owner of a directory cannot set its times; nothing else depends on them.
            let _ = futimens(&directory, &times(mtime));
        }
    }
}

fn times(mtime: Timestamp) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: mtime.sec, tv_nsec: i64::from(mtime.nsec) },
    }
}
