//! What processes share in memory: the journal, the live index and the lock.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::FallocateFlags;
use vrift_manifest::attributes::{Attributes, Content, Kind};
use vrift_manifest::image::{Builder, NodeSpec};
use vrift_manifest::robust;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{NewWorkspace, Workspace, drop_workspace, write_image};

use super::check::Check;
use super::child;
use super::scratch::Scratch;
use crate::error::{Error, Result};
use crate::home;
use crate::output::names;

const TMPFS: u64 = 0x0102_1994;
const RAMFS: u64 = 0x8584_58f6;

/// A change takes the lock, appends to the journal and goes through the shared index: all of it is mapped memory.
pub fn journal(scratch: &Scratch) -> Result<Check> {
    const NAME: &str = "journal";
    let home = scratch.home()?;
    let time = Timestamp::coarse_now();
    let attributes = Attributes {
        mode: Kind::Directory as u32 | 0o755,
        uid: 0,
        gid: 0,
        nlink: 2,
        size: 0,
        atime: time,
        mtime: time,
        ctime: time,
        rdev: 0,
    };
    let root = NodeSpec { node: ROOT, attributes, content: Content::None, xattrs: &[] };
    let builder = Builder::new(root).map_err(|why| Error::failed("").caused_by(why))?;
    let image = write_image(home.store(), builder, ROOT + 1)?.image_id;
    let name = "journal".to_owned();
    NewWorkspace { name, mount: "/vrift/doctor".into(), origin: None, image }.create(&home)?;
    let mut one = Workspace::open(&home, NAME)?;
    let other = Workspace::open(&home, NAME)?;
    let change = Change::Create {
        parent: ROOT,
        name: b"file",
        mode: Kind::File as u32 | 0o644,
        uid: 0,
        gid: 0,
        rdev: 0,
        target: b"",
    };
    one.change(&change)?;
    let seen = other.tree().child(other.tree().root(), b"file")?.is_some();
    one.snapshot("checked")?;
    drop((one, other));
    drop_workspace(&home, NAME)?;
    Ok(match seen {
        true => Check::works(NAME, "a change was made, seen through another mapping, and named"),
        false => Check::fails(
            NAME,
            "a change is not seen through another mapping",
            "processes of one workspace would not see the same tree: no store is safe on this file system",
        ),
    })
}

/// The kernel is to mark the lock of a process that dies with it.
pub fn lock(scratch: &Scratch) -> Result<Check> {
    const NAME: &str = "robust lock";
    const MEANS: &str = "a process that is killed in the middle of a change would stop all others of its workspace for ever";
    let path = scratch.file("lock", &[])?;
    let file = fs::OpenOptions::new().write(true).open(&path);
    let failed = |error| Error::at("write", &path, error);
    file.and_then(|file| file.set_len(robust::LENGTH)).map_err(failed)?;
    let own = std::env::current_exe()
        .map_err(|error| Error::failed("cannot find this executable").caused_by(error))?;
    let said = child::run(scratch, Command::new(own).args(["doctor", "--dies-with"]).arg(&path))?;
    if said.signal != Some(rustix::process::Signal::KILL.as_raw()) {
        return Ok(Check::fails(NAME, format!("it could not be tried: {}", said.why()), MEANS));
    }
    Ok(match robust::says_so(&path) {
        Ok(true) => Check::works(NAME, "the kernel marks the lock of a process that was killed"),
        Ok(false) => {
            Check::fails(NAME, "the lock of a process that was killed is not marked", MEANS)
        }
        Err(error) => Check::fails(NAME, error.to_string(), MEANS),
    })
}

/// Where live indexes lie, and what stands for the directories of a tree.
pub fn runtime() -> Check {
    const NAME: &str = "memory files";
    let places = home::runtime_directories();
    let mut why = Vec::new();
    for place in &places {
        match in_memory(place) {
            Ok(()) => {
                return Check::works(NAME, format!("live indexes lie in '{}'", names::path(place)));
            }
            Err(error) => why.push(format!("'{}': {error}", names::path(place))),
        }
    }
    Check::missing(
        NAME,
        why.join("; "),
        "live indexes and what stands for directories lie in the store: `cd`, mkdir and the start of a run are slower; \
         XDG_RUNTIME_DIR names a directory on tmpfs",
    )
}

/// Whether a directory is in memory, and files can be made there.
pub fn is_in_memory(place: &Path) -> bool {
    in_memory(place).is_ok()
}

/// Whether a directory is in memory, and a file can be made there that has its room.
fn in_memory(place: &Path) -> std::io::Result<()> {
    let about = rustix::fs::statfs(place)?;
    if ![TMPFS, RAMFS].contains(&(about.f_type as u64)) {
        return Err(std::io::Error::other("not in memory"));
    }
    let path = place.join(format!(".vrift-doctor-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(&path)?;
    Ok(rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, 1 << 16)?)
}
