//! The file `boot`: which boot of the machine this is, in the store's own count.
//!
//! `BOOT_ID NUMBER`: the kernel's identifier of the boot in which the store was last opened for writing, and
//! how many boots that makes. The first writer of a boot counts on and brings that to the disk before it puts
//! anything, so a number is never used in two boots. Blobs bear it in their stamp: those with the present
//! number were written since the machine was booted, so no power cut can have torn them.
//!
//! The number also goes up when a sync fails: what was written until then is no longer known to be whole.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::blobs::{BlobInfo, Found};
use super::lock::Lock;
use super::staging::{Sessions, random_name};
use super::{Store, trash};
use crate::error::{At, StoreError};
use crate::layout;
use crate::stamp::LAST_BOOT;

/// The store's lock, for short work on its small files: a lock on `format`, which is never replaced.
pub(super) fn lock(root: &Path) -> Result<Lock, StoreError> {
    Lock::wait(&root.join(layout::FORMAT))
}

/// Finds the number of this boot, counting on if this is a new one.
pub(super) fn number(store: &Store, sessions: &Sessions) -> Result<u32, StoreError> {
    let id = boot_id()?;
    if let Some((_, number)) = read(store)?.filter(|(known, _)| *known == id) {
        return Ok(number);
    }
    let _lock = lock(&store.root)?;
    let last = match read(store)? {
        Some((known, number)) if known == id => return Ok(number),
        Some((_, number)) => number,
        None => highest_stamp(store)?,
    };
    write(store, sessions, &id, last)
}

/// Counts on although the boot is the same: nothing that bears `current` is to be trusted any more.
pub(super) fn next(store: &Store, sessions: &Sessions, current: u32) -> Result<u32, StoreError> {
    let id = boot_id()?;
    let _lock = lock(&store.root)?;
    match read(store)? {
        // Somebody else has counted on for the same reason.
        Some((known, number)) if known == id && number > current => Ok(number),
        Some((_, number)) => write(store, sessions, &id, number.max(current)),
        None => write(store, sessions, &id, highest_stamp(store)?.max(current)),
    }
}

fn write(store: &Store, sessions: &Sessions, id: &str, last: u32) -> Result<u32, StoreError> {
    let number = last.checked_add(1).filter(|number| *number <= LAST_BOOT);
    let number = number.ok_or_else(|| StoreError::Damaged {
        path: path(store),
        what: format!("its number {last} has no successor"),
    })?;
    let mut staged = sessions.stage()?;
    let line = format!("{id} {number}\n");
    staged.write_all(line.as_bytes()).at("write", staged.path())?;
    staged.publish(&path(store), 0o600, true)?;
    Ok(number)
}

fn path(store: &Store) -> PathBuf {
    store.root.join(layout::BOOT)
}

/// The boot's identifier and number; none if the file is not there or not whole, which a cut cannot do but
/// hands can.
fn read(store: &Store) -> Result<Option<(String, u32)>, StoreError> {
    let path = path(store);
    match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        text => Ok(parse(&text.at("read", &path)?)),
    }
}

fn parse(text: &[u8]) -> Option<(String, u32)> {
    let line = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
    let (id, number) = line.split_once(' ')?;
    let number = number.parse().ok().filter(|number| (1..=LAST_BOOT).contains(number))?;
    (!id.is_empty()).then(|| (id.to_owned(), number))
}

/// The kernel's identifier of this boot. Where it cannot be had, every opening counts as a boot of its own:
/// slower, and never wrong.
fn boot_id() -> Result<String, StoreError> {
    const PATH: &str = "/proc/sys/kernel/random/boot_id";
    match std::fs::read_to_string(PATH).map(|text| text.trim().to_owned()) {
        Ok(id) if !id.is_empty() && !id.contains(char::is_whitespace) => Ok(id),
        _ => random_name().map(|name| format!("unknown-{name}")).at("replace the unreadable", PATH),
    }
}

/// The highest number that any blob bears: where to go on if the file is lost.
fn highest_stamp(store: &Store) -> Result<u32, StoreError> {
    let mut highest = 0;
    for blob in store.blobs()? {
        if let Found::Blob(BlobInfo { stamp: Some(stamp), .. }) = blob? {
            highest = highest.max(stamp.boot);
        }
    }
    for (_, facts) in trash::entries(store)? {
        highest = highest.max(facts.stamp.map_or(0, |stamp| stamp.boot));
    }
    Ok(highest)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_line_that_is_not_whole_has_no_number() {
        assert_eq!(parse(b"id 12\n"), Some(("id".into(), 12)));
        for text in
            [&b""[..], b"id 12", b"id\n", b" 1\n", b"id 0\n", b"id 1000000001\n", b"id -1\n"]
        {
            assert_eq!(parse(text), None);
        }
    }
}
