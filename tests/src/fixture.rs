//! Workspaces made through the library, with everything in them that a real directory seldom has.

use std::path::PathBuf;
use std::sync::Arc;

use vrift_cas::Store;
use vrift_manifest::attributes::{Attributes, Content, Kind};
use vrift_manifest::image::{Builder, Handle, NodeSpec};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::path::Scratch;
use vrift_manifest::tree::{Change, Found, RenameMode};
use vrift_manifest::workspace::{Author, Home, NewWorkspace, Workspace, segment_path, write_image};

use crate::sandbox::Sandbox;

/// The time of everything in an image made here: 2001-09-09 01:46:40 UTC.
pub const TIME: Timestamp = Timestamp { sec: 1_000_000_000, nsec: 5 };

/// The store of a sandbox, through the library.
pub struct Fixture {
    /// The sandbox's workspaces.
    pub home: Home,
    mount: PathBuf,
}

impl Fixture {
    /// Opens, or makes, the store of `sandbox`. Workspaces are mounted at `project` in it.
    pub fn of(sandbox: &Sandbox) -> Fixture {
        let store = Store::create_or_open(sandbox.path("store")).expect("a store");
        let home = Home::new(Arc::new(store), &[sandbox.path("home")]);
        Fixture { home, mount: sandbox.path("project") }
    }

    /// Makes the workspace `name` of `tree`, as if it had been ingested, and opens it.
    pub fn workspace(&self, name: &str, tree: Planted<'_>) -> Workspace {
        let image = tree.image(self.home.store());
        let new = NewWorkspace {
            name: name.into(),
            mount: self.mount.clone(),
            origin: Some((self.mount.clone(), Vec::new())),
            image,
        };
        new.create(&self.home).expect("a workspace");
        self.open(name)
    }

    /// Opens a workspace, to change it as `/usr/bin/cc -c main.c` would.
    pub fn open(&self, name: &str) -> Workspace {
        let mut workspace = Workspace::open(&self.home, name).expect("a workspace");
        workspace.set_author(Author {
            parent: 0,
            pid: 4711,
            program: b"/usr/bin/cc".to_vec(),
            arguments: b"cc\0-c\0main.c\0".to_vec(),
            directory: b"/work".to_vec(),
        });
        workspace
    }

    /// A workspace with a bit of everything, see [`Planted::everything`].
    pub fn everything(&self, name: &str) -> Workspace {
        self.workspace(name, Planted::everything(self))
    }

    /// The mount path of the workspaces.
    pub fn mount(&self) -> &std::path::Path {
        &self.mount
    }
}

/// A tree that becomes an image.
pub struct Planted<'a> {
    fixture: &'a Fixture,
    builder: Builder,
    next: u64,
    directories: Vec<(Vec<u8>, Handle)>,
}

impl<'a> Planted<'a> {
    /// A root without anything in it.
    pub fn empty(fixture: &'a Fixture) -> Planted<'a> {
        let root = NodeSpec {
            node: 1,
            attributes: attributes(Kind::Directory as u32 | 0o755),
            content: Content::None,
            xattrs: &[],
        };
        let builder = Builder::new(root).expect("a root");
        let directories = vec![(Vec::new(), builder.root())];
        Planted { fixture, builder, next: 2, directories }
    }

    /// Files, directories, links of both kinds, specials, and names that are not text.
    pub fn everything(fixture: &'a Fixture) -> Planted<'a> {
        let mount = std::os::unix::ffi::OsStrExt::as_bytes(fixture.mount.as_os_str()).to_vec();
        let mut tree = Planted::empty(fixture);
        let readme = tree.file("README.md", b"hello\nworld\n");
        tree.link("also-readme", readme);
        tree.file(".hidden", b"secret\n");
        tree.directory("src");
        tree.file("src/main.c", b"int main(void)\n{\n    return 0;\n}\n");
        tree.file("src/copy.c", b"int main(void)\n{\n    return 0;\n}\n");
        tree.directory("src/deep");
        tree.file("src/deep/data.bin", b"\0\x01\x02binary");
        tree.directory("empty");
        tree.node("run", Kind::File as u32 | 0o755, 0, b"#!/bin/sh\n");
        tree.node("link", Kind::Symlink as u32 | 0o777, 0, b"src/main.c");
        tree.node("inside", Kind::Symlink as u32 | 0o777, 0, &[&mount[..], b"/src"].concat());
        tree.node("outside", Kind::Symlink as u32 | 0o777, 0, b"/etc/passwd");
        tree.node("loop", Kind::Symlink as u32 | 0o777, 0, b"loop");
        tree.node("pipe", Kind::Fifo as u32 | 0o600, 0, b"");
        tree.node("null", Kind::CharDevice as u32 | 0o666, rustix::fs::makedev(1, 3), b"");
        tree.file(b"new\nline".as_slice(), b"odd\n");
        tree.file(b"caf\xe9".as_slice(), b"latin\n");
        tree
    }

    /// Adds a directory.
    pub fn directory(&mut self, path: impl AsRef<[u8]>) {
        let path = path.as_ref();
        let handle = self.node(path, Kind::Directory as u32 | 0o755, 0, b"");
        self.directories.push((path.to_vec(), handle));
    }

    /// Adds a file.
    pub fn file(&mut self, path: impl AsRef<[u8]>, content: &[u8]) -> Handle {
        self.node(path, Kind::File as u32 | 0o644, 0, content)
    }

    /// Adds a further name.
    pub fn link(&mut self, path: impl AsRef<[u8]>, node: Handle) {
        let (parent, name) = self.place(path.as_ref());
        self.builder.add_link(parent, &name, node).expect("a link");
    }

    /// Adds any node; `content` is a file's content or a symlink's target.
    pub fn node(&mut self, path: impl AsRef<[u8]>, mode: u32, rdev: u64, content: &[u8]) -> Handle {
        let (parent, name) = self.place(path.as_ref());
        let kind = Kind::of_mode(mode).expect("a kind");
        let mut attributes = attributes(mode);
        attributes.rdev = rdev;
        let content = match kind {
            Kind::File => {
                attributes.size = content.len() as u64;
                let put = self.fixture.home.store().put_bytes(content).expect("stored");
                Content::Blob(put.digest)
            }
            Kind::Symlink => Content::Target(content),
            _ => Content::None,
        };
        let spec = NodeSpec { node: self.next, attributes, content, xattrs: &[] };
        self.next += 1;
        self.builder.add(parent, &name, spec).expect("a node")
    }

    fn place(&self, path: &[u8]) -> (Handle, Vec<u8>) {
        let slash = path.iter().rposition(|&byte| byte == b'/');
        let (above, name) = match slash {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&b""[..], path),
        };
        let parent = self.directories.iter().find(|(known, _)| known == above);
        (parent.expect("the directory was added before").1, name.to_vec())
    }

    fn image(self, store: &Store) -> vrift_cas::Digest {
        write_image(store, self.builder, self.next).expect("an image").image_id
    }
}

fn attributes(mode: u32) -> Attributes {
    Attributes {
        mode,
        uid: 0,
        gid: 0,
        nlink: 1,
        size: 0,
        atime: TIME,
        mtime: TIME,
        ctime: TIME,
        rdev: 0,
    }
}

/// The number of the node at a path, not following a symlink there.
#[track_caller]
pub fn number(workspace: &Workspace, path: &str) -> u64 {
    let tree = workspace.tree();
    let mut scratch = Scratch::default();
    if path.is_empty() {
        return tree.number(tree.root()).expect("a number");
    }
    match tree.walk(tree.root(), path.as_bytes(), b"/nowhere", false, None, &mut scratch) {
        Ok(Found::Node(at)) => tree.number(at).expect("a number"),
        other => panic!("{path}: {other:?}"),
    }
}

/// Directory and name of a path.
fn split<'p>(workspace: &Workspace, path: &'p str) -> (u64, &'p [u8]) {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    (number(workspace, above), name.as_bytes())
}

/// Makes a node; the number of the record.
pub fn create(workspace: &mut Workspace, path: &str, mode: u32, target: &str) -> u64 {
    let (parent, name) = split(workspace, path);
    let target = target.as_bytes();
    let change = Change::Create { parent, name, mode, uid: 0, gid: 0, rdev: 0, target };
    workspace.change(&change).expect("a new node").seq
}

/// Gives a file new content, making it if need be; the number of the last record.
pub fn write(workspace: &mut Workspace, path: &str, content: &str) -> u64 {
    let (parent, name) = split(workspace, path);
    let tree = workspace.tree();
    let directory = tree.node(parent).expect("sound").expect("there");
    if tree.child(directory, name).expect("sound").is_none() {
        create(workspace, path, Kind::File as u32 | 0o644, "");
    }
    let put = workspace.store().put_bytes(content.as_bytes()).expect("stored");
    let node = number(workspace, path);
    let change = Change::SetContent { node, digest: put.digest, size: put.size, mtime: None };
    workspace.change(&change).expect("content").seq
}

/// Changes the permission of a node; the number of the record.
pub fn chmod(workspace: &mut Workspace, path: &str, mode: u32) -> u64 {
    let node = number(workspace, path);
    workspace.change(&Change::SetMode { node, mode }).expect("a mode").seq
}

/// Removes a name; the number of the record.
pub fn unlink(workspace: &mut Workspace, path: &str) -> u64 {
    let (parent, name) = split(workspace, path);
    workspace.change(&Change::Unlink { parent, name }).expect("removed").seq
}

/// Moves a node; the number of the record.
pub fn rename(workspace: &mut Workspace, from: &str, to: &str) -> u64 {
    let (from_parent, from) = split(workspace, from);
    let (to_parent, to) = split(workspace, to);
    let mode = RenameMode::Replace;
    let change = Change::Rename { from_parent, from, to_parent, to, mode };
    workspace.change(&change).expect("moved").seq
}

/// The file of the open segment.
pub fn open_segment(workspace: &Workspace) -> PathBuf {
    let config = workspace.config().expect("a description");
    segment_path(workspace.store(), config.open_segment().id)
}
