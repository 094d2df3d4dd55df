//! The two sides: one tree, really there at one path, and handed over to the library at another path of the same length.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use vrift_cas::Store;
use vrift_manifest::handover::{Handover, SESSION_VARIABLE};
use vrift_manifest::workspace::{Home, Workspace};

use super::Options;

/// Files in `hot`, `outside` and `work`, as the probe knows them.
const HOT: u32 = 100;
/// Directories of `many`, and files in each.
const MANY: (u32, u32) = (1_000, 100);
/// Files in `listing`.
const LISTED: u32 = 1_000;

/// Where a tree is.
pub struct Sides {
    /// The tree that is on disk.
    pub native: PathBuf,
    /// Where the mount is: nothing is there on disk.
    pub ours: PathBuf,
    /// Files of no tree.
    pub outside: PathBuf,
    /// What is handed over to a process.
    pub environment: Vec<(&'static str, String)>,
    /// The clock that the probe is to read.
    pub clock: String,
    /// The directory of the drafts.
    pub drafts: PathBuf,
}

impl Sides {
    /// Makes both. `pool`: so many files will be unlinked.
    pub fn make(room: &Path, pool: u32, options: &Options) -> io::Result<Sides> {
        let (native, ours) = (room.join("disk/tree"), room.join("ours/tree"));
        let outside = room.join("outside");
        write_tree(&ours, pool)?;
        fs::create_dir_all(&outside)?;
        for number in 0..HOT {
            fs::write(outside.join(format!("file{number:02}.c")), vec![b'o'; 6_000])?;
        }
        let store = room.join("store");
        succeed(Command::new(&options.vrift).arg("ingest").arg(&ours).env("VRIFT_HOME", &store))?;
        let handover = handover(&store, "tree")?;
        fs::rename(room.join("ours"), room.join("disk"))?;
        succeed(Command::new("sync").arg("-f").arg(room))?;
        Ok(Sides {
            native,
            ours,
            outside,
            clock: options.clock.clone(),
            drafts: handover.drafts(),
            environment: vec![
                ("LD_PRELOAD", options.library.to_string_lossy().into_owned()),
                (SESSION_VARIABLE, handover.to_text()),
            ],
        })
    }

    /// Drafts that are left.
    pub fn drafts_left(&self) -> usize {
        fs::read_dir(&self.drafts).map_or(0, Iterator::count)
    }
}

/// What a process must be told. The runtime directory is the command's: the environment says it.
fn handover(store: &Path, name: &str) -> io::Result<Handover> {
    let store = Store::open(store).map_err(io::Error::other)?;
    let runtime: Vec<PathBuf> =
        std::env::var_os("XDG_RUNTIME_DIR").into_iter().map(PathBuf::from).collect();
    let shared = [runtime, vec![PathBuf::from("/dev/shm")]].concat();
    let home = Home::new(Arc::new(store), &shared);
    let workspace = Workspace::open(&home, name).map_err(io::Error::other)?;
    Handover::of(&workspace).map_err(io::Error::other)
}

fn write_tree(root: &Path, pool: u32) -> io::Result<()> {
    let content = |number: u32| format!("/* {number} */\n").repeat(600).into_bytes();
    let in_directory = |name: String| {
        let path = root.join(name);
        fs::create_dir_all(&path).map(|()| path)
    };
    let hot = in_directory("hot".into())?;
    let work = in_directory("work".into())?;
    fs::write(work.join("warm"), "")?;
    for number in 0..HOT {
        fs::write(hot.join(format!("file{number:02}.c")), content(number))?;
        fs::write(work.join(format!("file{number:02}")), content(number))?;
        fs::write(work.join(format!("over{number:02}")), content(number))?;
    }
    for number in 0..MANY.0 {
        let directory = in_directory(format!("many/d{number:03}"))?;
        for file in 0..MANY.1 {
            fs::File::create(directory.join(format!("file{file:02}.c")))?;
        }
    }
    let listing = in_directory("listing".into())?;
    for number in 0..LISTED {
        fs::File::create(listing.join(format!("entry{number:04}.h")))?;
    }
    for number in 0..pool.div_ceil(MANY.1) {
        let directory = in_directory(format!("pool/d{number:03}"))?;
        for file in 0..MANY.1 {
            fs::write(directory.join(format!("file{file:02}")), vec![b'p'; 4096])?;
        }
    }
    Ok(())
}

/// Runs a command that must succeed; it says nothing.
pub fn succeed(command: &mut Command) -> io::Result<()> {
    let status = command.stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("failed: {command:?}"))) }
}
