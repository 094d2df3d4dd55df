//! A store, a workspace and a session of a test's own.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

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
    _others: Others,
}

/// A child that a test starts has all files of this process open until it runs its program, so that files are busy at
/// that moment in every other test. Tests that start children run alone.
static CHILDREN: RwLock<()> = RwLock::new(());

#[allow(dead_code, reason = "held, not read")]
enum Others {
    May(RwLockReadGuard<'static, ()>),
    None(RwLockWriteGuard<'static, ()>),
}

impl Fixture {
    pub fn new() -> Fixture {
        Fixture::beside(Others::May(CHILDREN.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// For a test that starts children.
    pub fn alone() -> Fixture {
        Fixture::beside(Others::None(CHILDREN.write().unwrap_or_else(PoisonError::into_inner)))
    }

    /// In a directory of a file system of the caller's.
    pub fn at(parent: &Path) -> Fixture {
        std::fs::create_dir_all(parent).expect("a directory");
        let others = Others::None(CHILDREN.write().unwrap_or_else(PoisonError::into_inner));
        Fixture::in_directory(tempfile::tempdir_in(parent).expect("a directory"), others)
    }

    fn beside(others: Others) -> Fixture {
        Fixture::in_directory(tempfile::tempdir().expect("a temporary directory"), others)
    }

    fn in_directory(temporary: tempfile::TempDir, others: Others) -> Fixture {
        let root = temporary.path().to_owned();
        let home = open_home(&root);
        let image = empty_image(&home);
        let mount = "/vrift/test".into();
        let new = NewWorkspace { name: "w".into(), mount, origin: None, image };
        new.create(&home).expect("a workspace");
        let handover = Handover::of(&Workspace::open(&home, "w").expect("it was just made"));
        let handover = handover.expect("a handover");
        Fixture { home, root, handover, _temporary: temporary, _others: others }
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

/// Runs the ignored test `name` of this binary as another process, with a workspace in its environment.
pub fn child(name: &str, root: &Path, argument: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().expect("this binary"));
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("VRIFT_TEST_ROOT", root).env("VRIFT_TEST_ARGUMENT", argument);
    command.stdout(std::process::Stdio::piped());
    command
}

/// In a child: the handover and the argument that the parent gave.
pub fn from_parent() -> (Handover, String) {
    let root = std::env::var_os("VRIFT_TEST_ROOT").expect("started by its parent only");
    let argument = std::env::var("VRIFT_TEST_ARGUMENT").expect("started by its parent only");
    let home = open_home(Path::new(&root));
    let workspace = Workspace::open(&home, "w").expect("it opens");
    (Handover::of(&workspace).expect("a handover"), argument)
}

/// Makes the workspace look as after the machine was started again: another boot, no live index.
pub fn restart_machine(fixture: &Fixture) {
    restart(&fixture.handover.directory(), &fixture.handover.runtime);
}

fn restart(workspace: &Path, runtime: &Path) {
    use std::os::unix::fs::FileExt;
    match File::options().write(true).open(workspace.join("control")) {
        Ok(page) => {
            // Whose lock it is, and who has looked at the journal.
            page.write_all_at(&[0xee; 16], 10 * 8).expect("written");
            page.write_all_at(&[0xee; 16], 18 * 8).expect("written");
        }
        // A power cut may leave a workspace without one, which is made anew.
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
    }
    for entry in std::fs::read_dir(runtime).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).expect("removed");
        } else {
            std::fs::remove_file(path).expect("removed");
        }
    }
}

/// A workspace in a directory that may have one already, for a child that is to be cut off from its disk. `again`: the
/// machine was started again since, as far as can be seen.
pub fn in_directory(root: &Path, again: bool) -> Option<Handover> {
    let workspace = root.join("store/workspaces/w");
    if again {
        if !workspace.join("workspace.toml").exists() {
            return None;
        }
        let path = root.join("store/boot");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some((_, number)) = text.split_once(' ') {
            let text = format!("another-{} {number}", number.trim());
            std::fs::write(&path, text).expect("written");
        }
        restart(&workspace, &root.join("runtime"));
    }
    let home = open_home(root);
    if !home.names().expect("a list").contains(&"w".to_owned()) {
        let image = empty_image(&home);
        let mount = "/vrift/test".into();
        let new = NewWorkspace { name: "w".into(), mount, origin: None, image };
        new.create(&home).expect("a workspace");
    }
    let workspace = Workspace::open(&home, "w").expect("it opens");
    assert!(workspace.damage().is_none(), "it is damaged");
    Some(Handover::of(&workspace).expect("a handover"))
}

/// Opens, writes at the end, closes: as `echo >> NAME` does.
pub fn append(session: &Session, name: &str, bytes: &[u8]) {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC;
    let file = as_somebody(|who| session.open_for_writing(who, node(session, name), flags));
    File::from(file.expect("opened")).write_all(bytes).expect("written");
}

pub fn content(session: &Session, name: &str) -> Vec<u8> {
    read(session.open_for_reading(node(session, name), OFlags::CLOEXEC).expect("opened"))
}

/// The files in the directory of drafts.
pub fn drafts(fixture: &Fixture) -> usize {
    std::fs::read_dir(fixture.handover.drafts()).map_or(0, |entries| {
        entries.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file())).count()
    })
}

/// Every blob is what its name says, and cannot be written.
pub fn check_blobs(fixture: &Fixture, place: &str) {
    use std::os::unix::fs::PermissionsExt;
    let store = fixture.home.store();
    for found in store.blobs().expect("a list") {
        let vrift_cas::Found::Blob(blob) = found.expect("a blob") else {
            panic!("{place}: a stray")
        };
        let digest = blob.digest;
        assert!(store.verify(&digest).expect("readable").is_sound(), "{place}: {digest}");
        let name = digest.to_string();
        let path = store.blobs_dir().join(&name[..2]).join(&name[2..]);
        let mode = std::fs::metadata(path).expect("a blob").permissions().mode();
        assert_eq!(mode & 0o7777, 0o1555, "{place}: {digest}");
    }
}

pub const TOP: u64 = ROOT;
