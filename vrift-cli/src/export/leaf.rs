//! Writing one entry that is no directory.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, fstat, mknodat, openat, symlinkat};
use rustix::io::Errno;
use vrift_cas::Digest;
use vrift_manifest::attributes::Kind;

use super::content::CopyError;
use super::entry::{Made, make};
use super::loss::What;
use super::pending::Pending;
use super::plan::{Full, Item, Plan};
use super::source::Source;
use crate::ingest::join;

impl<S: Source> Plan<'_, S> {
    /// Writes an entry that is no directory; whether it is there afterwards.
    pub fn write(
        &self,
        above: &Arc<Pending>,
        item: &Item<S::Node>,
        buffer: &mut Vec<u8>,
    ) -> Result<bool, Full> {
        let path = || join(&above.directory.path(), item.name.to_bytes());
        let (name, attributes) = (item.name.as_c_str(), &item.attributes);
        let handle = match above.directory.handle() {
            Ok(handle) => handle,
            Err(errno) => return self.refused(path(), Kind::File, errno).map(|()| false),
        };
        let directory = handle.as_fd();
        let Some(xattrs) = self.known(path(), || self.source.xattrs(item.node)) else {
            return Ok(false);
        };
        let mut lost = |what| self.lost(path(), what);
        let kind = Kind::of_mode(attributes.mode).unwrap_or(Kind::File);
        let made = match kind {
            Kind::File => {
                let Some((digest, content)) = self.content(item, path) else { return Ok(false) };
                let made = make(name, self.force, |name| create(directory, name));
                let made = match made {
                    Ok(made) => made,
                    Err(errno) => return self.refused(path(), kind, errno).map(|()| false),
                };
                match self.copier.copy(&digest, &content, &made.value, attributes.size, buffer) {
                    Ok(()) => {}
                    Err(CopyError::From(error)) => {
                        made.abandon(directory, name);
                        lost(What::Unreadable(error.to_string()));
                        return Ok(false);
                    }
                    Err(CopyError::To(error)) => {
                        made.abandon(directory, name);
                        return Err((path(), error));
                    }
                }
                self.exporter.apply_to_file(&made.value, attributes, &xattrs, &mut lost);
                self.counters.file(attributes.size);
                return self.settle(made, directory, name, path);
            }
            Kind::Symlink => {
                let Some(target) = self.known(path(), || self.source.target(item.node)) else {
                    return Ok(false);
                };
                let target = target.as_slice();
                make(name, self.force, |name| symlinkat(target, directory, name))
            }
            Kind::Directory => return Ok(false),
            kind => make(name, self.force, |name| {
                let kind = FileType::from_raw_mode(kind as u32);
                mknodat(directory, name, kind, Mode::RUSR | Mode::WUSR, attributes.rdev)
            }),
        };
        match made {
            Ok(made) => {
                let now = made.name(name);
                self.exporter.apply_to_entry(directory, now, attributes, &xattrs, &mut lost);
                self.settle(made, directory, name, path)
            }
            Err(errno) => self.refused(path(), kind, errno).map(|()| false),
        }
    }

    fn settle<T>(
        &self,
        made: Made<T>,
        directory: impl AsFd,
        name: &CStr,
        path: impl Fn() -> Vec<u8>,
    ) -> Result<bool, Full> {
        match made.settle(directory, name) {
            Ok(()) => Ok(true),
            Err(errno) => {
                self.lost(path(), What::InTheWay(errno));
                Ok(false)
            }
        }
    }

    /// The content of a file, if the store has it whole.
    fn content(&self, item: &Item<S::Node>, path: impl Fn() -> Vec<u8>) -> Option<(Digest, File)> {
        let digest = self.known(path(), || self.source.digest(item.node))?;
        let content = self.known(path(), || self.source.open(&digest))?;
        let found = fstat(&content).ok().and_then(|stat| u64::try_from(stat.st_size).ok());
        let (expected, found) = (item.attributes.size, found.unwrap_or(0));
        if expected != found {
            self.lost(path(), What::Length { expected, found });
            return None;
        }
        Some((digest, content))
    }
}

/// Makes an empty file that nobody else can open yet.
fn create(directory: impl AsFd, name: &CStr) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}
