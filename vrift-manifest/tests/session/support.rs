//! A store, a workspace and a session of a test's own.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rustix::fd::OwnedFd;
use rustix::fs::OFlags;
use vrift_cas::{Digest, Store};
use vrift_manifest::attributes::{Attributes, Content};
use vrift_manifest::handover::Handover;
use vrift_manifest::image::{Builder, NodeSpec};
use vrift_manifest::session::{Seal, Session, SessionError, Who};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::{Change, Cursor, ROOT};
use vrift_manifest::workspace::{Author, Home, NewWorkspace, Workspace, write_image};

/// A home with a workspace `w` that is removed with the value.
pub struct Fixture {
    pub home: Home,
    pub root: PathBuf,
    pub handover: Handover,
    _temporary: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Fixture {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let root = temporary.path().to_owned();
        let home = open_home(&root);
        let image = empty_image(&home);
        let mount = "/vrift/test".into();
        let new = NewWorkspace { name: "w".into(), mount, origin: None, image };
        new.create(&home).expect("a workspace");
        let handover = Handover::of(&Workspace::open(&home, "w").expect("it was just made"));
        Fixture { home, root, handover: handover.expect("a handover"), _temporary: temporary }
    }

    pub fn session(&self) -> Session {
        Session::attach(&self.handover).expect("a session")
    }

    pub fn workspace(&self) -> Workspace {
        Workspace::open(&self.home, "w").expect("it opens")
    }

    pub fn put(&self, bytes: &[u8]) -> Digest {
        self.home.store().put_bytes(bytes).expect("room").digest
    }
}

pub fn open_home(root: &Path) -> Home {
    let store = Store::create_or_open(root.join("store")).expect("a store");
    let runtime = root.join("runtime");
    std::fs::create_dir_all(&runtime).expect("a directory");
    Home::new(Arc::new(store), &[runtime])
}

fn empty_image(home: &Home) -> Digest {
    let time = Timestamp { sec: 1_000_000_000, nsec: 5 };
    let attributes = Attributes {
        mode: 0o040755,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        nlink: 2,
        size: 4096,
        atime: time,
        mtime: time,
        ctime: time,
        rdev: 0,
    };
    let root = NodeSpec { node: 1, attributes, content: Content::None, xattrs: &[] };
    write_image(home.store(), Builder::new(root).expect("a root"), 2).expect("an image").image_id
}

/// This process, as history names it.
pub fn author() -> Author {
    Author { pid: std::process::id(), program: b"/bin/test".to_vec(), ..Author::default() }
}

/// Runs `work` as a process that has done nothing yet.
pub fn as_somebody<T>(work: impl FnOnce(&Who<'_>) -> T) -> T {
    let process = AtomicU64::new(0);
    work(&Who { process: &process, author: &author })
}

pub fn make<'a>(parent: u64, name: &'a str, mode: u32) -> Change<'a> {
    let name = name.as_bytes();
    Change::Create { parent, name, mode, uid: 0, gid: 0, rdev: 0, target: b"" }
}

/// The node at a name of the root directory.
pub fn at(session: &Session, name: &str) -> Cursor {
    let tree = session.tree();
    tree.child(tree.root(), name.as_bytes()).expect("a tree").expect(name)
}

pub fn node(session: &Session, name: &str) -> u64 {
    session.tree().number(at(session, name)).expect("a number")
}

pub fn read(file: OwnedFd) -> Vec<u8> {
    let mut bytes = Vec::new();
    File::from(file).read_to_end(&mut bytes).expect("readable");
    bytes
}

/// Makes a file in the root directory, open for writing.
pub fn create(
    session: &Session,
    name: &str,
    flags: OFlags,
) -> Result<(u64, OwnedFd), SessionError> {
    as_somebody(|who| session.create_file(who, TOP, name.as_bytes(), 0o644, 0, 0, flags))
}

/// Makes a file of these bytes, as a program does it.
pub fn write(session: &Session, name: &str, bytes: &[u8]) -> Seal {
    let (node, file) = create(session, name, OFlags::WRONLY | OFlags::CLOEXEC).expect("made");
    File::from(file).write_all(bytes).expect("written");
    as_somebody(|who| session.seal(who, node)).expect("sealed")
}

pub const TOP: u64 = ROOT;
