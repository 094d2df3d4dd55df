//! A store and a workspace of a test's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vrift_cas::{Digest, Store};
use vrift_manifest::attributes::{Attributes, Content};
use vrift_manifest::image::{Builder, NodeSpec};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::Change;
use vrift_manifest::workspace::{Home, NewWorkspace, Workspace, write_image};

pub struct Fixture {
    pub home: Home,
    pub root: PathBuf,
    _temporary: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Fixture {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let root = temporary.path().to_owned();
        let store = Store::create_or_open(root.join("store")).expect("a store");
        let runtime = root.join("runtime");
        std::fs::create_dir(&runtime).expect("a directory");
        let home = Home::new(Arc::new(store), &[runtime]);
        Fixture { home, root, _temporary: temporary }
    }

    /// A workspace whose image has a file, `old`, with number 2, and a symlink, `way`, with number 3.
    pub fn workspace(&self) -> Workspace {
        let time = Timestamp { sec: 1_000_000_000, nsec: 5 };
        let attributes = |mode, size| Attributes {
            mode,
            uid: 7,
            gid: 8,
            nlink: if mode >> 12 == 4 { 2 } else { 1 },
            size,
            atime: time,
            mtime: time,
            ctime: time,
            rdev: 0,
        };
        let spec = |node, mode, size, content| NodeSpec {
            node,
            attributes: attributes(mode, size),
            content,
            xattrs: &[],
        };
        let mut builder = Builder::new(spec(1, 0o040755, 4096, Content::None)).expect("a root");
        let root = builder.root();
        let empty = Content::Blob(Digest::EMPTY);
        builder.add(root, b"old", spec(2, 0o100644, 0, empty)).expect("a file");
        let target = Content::Target(b"old");
        builder.add(root, b"way", spec(3, 0o120777, 3, target)).expect("a link");
        let image = write_image(self.home.store(), builder, 4).expect("an image").image_id;
        let mount = "/vrift/test".into();
        let new = NewWorkspace { name: "w".into(), mount, origin: None, image };
        new.create(&self.home).expect("a workspace");
        Workspace::open(&self.home, "w").expect("it was just made")
    }

    pub fn control_path(&self) -> PathBuf {
        self.root.join("store/workspaces/w/control")
    }

    /// The live indexes that are there.
    pub fn indexes(&self) -> Vec<PathBuf> {
        list(self.home.runtime()).into_iter().map(|name| self.home.runtime().join(name)).collect()
    }
}

/// The names in a directory, sorted.
pub fn list(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("ASCII"))
        .collect();
    names.sort();
    names
}

pub fn create<'a>(parent: u64, name: &'a [u8], mode: u32, target: &'a [u8]) -> Change<'a> {
    Change::Create { parent, name, mode, uid: 7, gid: 8, rdev: 0, target }
}
