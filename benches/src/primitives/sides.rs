//! The sides: one tree, really there at one path, and handed over to the library at another path of the same length.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use vrift_cas::Store;
use vrift_manifest::handover::{Handover, SESSION_VARIABLE};
use vrift_manifest::workspace::{Home, Workspace};

use super::peers::Held;
use crate::Options;
use crate::shell::succeed;

/// Files in `hot`, `outside` and `work`, as the probe knows them.
const HOT: u32 = 100;
/// Files in each directory of `many`.
pub const EACH: u32 = 100;
/// Files in `listing`.
const LISTED: u32 = 1_000;

/// One way to look at the tree.
pub struct Side {
    /// Its name.
    pub name: &'static str,
    /// Where its processes see the tree.
    pub root: PathBuf,
    /// What stands before the program on the command line.
    pub before: Vec<String>,
    /// What is put into the environment.
    pub environment: Vec<(String, String)>,
    /// Every so many of the operations are made: some are slow.
    pub part: u32,
    /// Whether it is there for paths outside of the tree.
    pub outside: bool,
    /// What has to run meanwhile.
    pub _held: Option<Held>,
}

impl Side {
    /// One that is only another directory.
    pub fn plain(name: &'static str, root: PathBuf) -> Side {
        Side {
            name,
            root,
            before: Vec::new(),
            environment: Vec::new(),
            part: 1,
            outside: true,
            _held: None,
        }
    }
}

/// All sides: native, the same again, ours, others.
pub struct Sides {
    /// In this order.
    pub all: Vec<Side>,
    /// Files of no tree.
    pub outside: PathBuf,
    /// The clock that the probe is to read.
    pub clock: String,
    /// Directories of `many`.
    pub directories: u32,
    /// The directory of the drafts.
    drafts: PathBuf,
}

impl Sides {
    /// Makes the tree and the first three. `pool`: so many files will be unlinked.
    pub fn make(room: &Path, pool: u32, options: &Options) -> io::Result<Sides> {
        let (native, ours) = (room.join("disk/tree"), room.join("ours/tree"));
        let outside = room.join("outside");
        let directories = if options.quick { 100 } else { 1_000 };
        write_tree(&ours, directories, pool)?;
        fs::create_dir_all(&outside)?;
        for number in 0..HOT {
            fs::write(outside.join(format!("file{number:02}.c")), vec![b'o'; 6_000])?;
        }
        let store = room.join("store");
        succeed(Command::new(&options.vrift).arg("ingest").arg(&ours).env("VRIFT_HOME", &store))?;
        let handover = handover(&store, "tree")?;
        fs::rename(room.join("ours"), room.join("disk"))?;
        succeed(Command::new("sync").arg("-f").arg(room))?;
        let environment = environment(&handover, options);
        let drafts = handover.drafts();
        let ours = Side { environment, ..Side::plain("ours", ours) };
        let all = vec![Side::plain("native", native.clone()), Side::plain("again", native), ours];
        Ok(Sides { all, outside, clock: options.clock.clone(), directories, drafts })
    }

    /// Drafts that are left.
    pub fn drafts_left(&self) -> usize {
        fs::read_dir(&self.drafts).map_or(0, Iterator::count)
    }
}

/// What a process of ours has in its environment.
pub fn environment(handover: &Handover, options: &Options) -> Vec<(String, String)> {
    vec![
        ("LD_PRELOAD".to_owned(), options.library.to_string_lossy().into_owned()),
        (SESSION_VARIABLE.to_owned(), handover.to_text()),
    ]
}

/// A store as the command has it: the environment says where the runtime directory is.
pub fn home(store: &Path) -> io::Result<Home> {
    let store = Store::open(store).map_err(io::Error::other)?;
    let runtime: Vec<PathBuf> =
        std::env::var_os("XDG_RUNTIME_DIR").into_iter().map(PathBuf::from).collect();
    let shared = [runtime, vec![PathBuf::from("/dev/shm")]].concat();
    Ok(Home::new(Arc::new(store), &shared))
}

/// What a process must be told.
pub fn handover(store: &Path, name: &str) -> io::Result<Handover> {
    let workspace = Workspace::open(&home(store)?, name).map_err(io::Error::other)?;
    Handover::of(&workspace).map_err(io::Error::other)
}

fn write_tree(root: &Path, directories: u32, pool: u32) -> io::Result<()> {
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
    for number in 0..directories {
        let directory = in_directory(format!("many/d{number:03}"))?;
        for file in 0..EACH {
            fs::File::create(directory.join(format!("file{file:02}.c")))?;
        }
    }
    let listing = in_directory("listing".into())?;
    for number in 0..LISTED {
        fs::File::create(listing.join(format!("entry{number:04}.h")))?;
    }
    for number in 0..pool.div_ceil(EACH) {
        let directory = in_directory(format!("pool/d{number:03}"))?;
        for file in 0..EACH {
            fs::write(directory.join(format!("file{file:02}")), vec![b'p'; 4096])?;
        }
    }
    Ok(())
}
