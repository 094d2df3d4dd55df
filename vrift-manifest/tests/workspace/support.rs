//! A store and a workspace of a test's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vrift_cas::{Digest, Store};
use vrift_manifest::attributes::{Attributes, Content};
use vrift_manifest::image::{Builder, NodeSpec};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::path::Scratch;
use vrift_manifest::tree::{Change, Cursor, Found, Tree, WalkError};
use vrift_manifest::workspace::{Done, Home, NewWorkspace, Workspace, segment_path, write_image};

/// A home that is removed with the value.
pub struct Fixture {
    pub home: Home,
    pub root: PathBuf,
    _temporary: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Fixture {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let root = temporary.path().to_owned();
        Fixture { home: open_home(&root), root, _temporary: temporary }
    }

    /// A workspace with an empty root.
    pub fn workspace(&self, name: &str) -> Workspace {
        create(&self.home, name);
        Workspace::open(&self.home, name).expect("it was just made")
    }
}

/// The home in `root`, as another process opens it.
pub fn open_home(root: &Path) -> Home {
    let store = Store::create_or_open(root.join("store")).expect("a store");
    let runtime = root.join("runtime");
    std::fs::create_dir_all(&runtime).expect("a directory");
    Home::new(Arc::new(store), &[runtime])
}

pub fn create(home: &Home, name: &str) {
    let image = empty_image(home);
    let new = NewWorkspace { name: name.into(), mount: "/vrift/test".into(), origin: None, image };
    new.create(home).expect("a workspace");
}

pub fn empty_image(home: &Home) -> Digest {
    let time = Timestamp { sec: 1_000_000_000, nsec: 5 };
    let builder = Builder::new(directory_spec(1, time)).expect("a root");
    write_image(home.store(), builder, 2).expect("an image").image_id
}

pub fn directory_spec(node: u64, time: Timestamp) -> NodeSpec<'static> {
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
    NodeSpec { node, attributes, content: Content::None, xattrs: &[] }
}

/// Walks without permission checks; what leaves the tree does not exist.
pub fn walk(tree: &Tree, path: &str, follow: bool) -> Result<Cursor, WalkError> {
    let mut scratch = Scratch::default();
    if path.is_empty() {
        return Ok(tree.root());
    }
    match tree.walk(tree.root(), path.as_bytes(), b"/vrift/test", follow, None, &mut scratch)? {
        Found::Node(at) => Ok(at),
        Found::Outside(_) => Err(WalkError::NotFound),
    }
}

pub fn number(tree: &Tree, path: &str) -> u64 {
    tree.number(walk(tree, path, false).expect(path)).expect("a number")
}

pub fn create_file(workspace: &mut Workspace, parent: u64, name: &str) -> Done {
    make(workspace, parent, name, 0o100644)
}

pub fn make_directory(workspace: &mut Workspace, parent: u64, name: &str) -> Done {
    make(workspace, parent, name, 0o040755)
}

fn make(workspace: &mut Workspace, parent: u64, name: &str, mode: u32) -> Done {
    let change = Change::Create {
        parent,
        name: name.as_bytes(),
        mode,
        uid: 0,
        gid: 0,
        rdev: 0,
        target: b"",
    };
    workspace.change(&change).expect(name)
}

/// The names in a directory, sorted.
pub fn names(tree: &Tree, path: &str) -> Vec<String> {
    let at = walk(tree, path, true).expect(path);
    let children = tree.children(at).expect("a directory");
    let mut names: Vec<String> = children
        .map(|child| String::from_utf8_lossy(&child.expect("a child").0).into_owned())
        .collect();
    names.sort();
    names
}

/// Everything that can be seen of a tree, as lines.
pub fn picture(tree: &Tree) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = vec![(String::new(), tree.root())];
    while let Some((path, at)) = pending.pop() {
        let attributes = tree.attributes(at).expect("attributes");
        let extra = (tree.digest(at), tree.target(at), tree.xattrs(at), tree.number(at));
        lines.push(format!("{path:?} {attributes:?} {extra:?}"));
        if attributes.mode & 0o170000 == 0o040000 {
            for child in tree.children(at).expect("children") {
                let (name, cursor) = child.expect("a child");
                pending.push((format!("{path}/{}", name.escape_ascii()), cursor));
            }
        }
    }
    lines.sort();
    lines
}

/// Runs the ignored test `name` of this binary as another process, with `home` in its environment.
pub fn child(name: &str, root: &Path, argument: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().expect("this binary"));
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("VRIFT_TEST_ROOT", root).env("VRIFT_TEST_ARGUMENT", argument);
    command.stdout(std::process::Stdio::piped());
    command
}

/// In a child: the home and the argument that the parent gave.
pub fn from_parent() -> (Home, String) {
    let root = std::env::var_os("VRIFT_TEST_ROOT").expect("started by its parent only");
    let argument = std::env::var("VRIFT_TEST_ARGUMENT").expect("started by its parent only");
    (open_home(Path::new(&root)), argument)
}

/// The lock word of a workspace: 0 = free.
pub fn lock_word(root: &Path, workspace: &str) -> u32 {
    let page = std::fs::read(control_path(root, workspace)).expect("a control page");
    u32::from_le_bytes([page[64], page[65], page[66], page[67]])
}

pub fn control_path(root: &Path, workspace: &str) -> PathBuf {
    root.join("store/workspaces").join(workspace).join("control")
}

/// Makes the workspace look as after the machine was started again: another boot, no live index.
pub fn restart_machine(root: &Path, workspace: &str) {
    use std::os::unix::fs::FileExt;
    let page = std::fs::File::options().write(true).open(control_path(root, workspace));
    let page = page.expect("a control page");
    // Whose lock it is, and who has looked at the journal.
    page.write_all_at(&[0xee; 16], 10 * 8).expect("written");
    page.write_all_at(&[0xee; 16], 18 * 8).expect("written");
    for runtime in std::fs::read_dir(root.join("runtime")).expect("a directory") {
        std::fs::remove_dir_all(runtime.expect("an entry").path()).expect("removed");
    }
}

/// The file of the open segment.
pub fn open_segment(workspace: &Workspace) -> PathBuf {
    let config = workspace.config().expect("a description");
    let era = config.era.last().expect("an era");
    segment_path(workspace.store(), era.segment.last().expect("a segment").id)
}

/// How many random cases to try: more on request, for a longer run.
pub fn cases(usual: u32) -> proptest::test_runner::Config {
    let wanted = std::env::var("VRIFT_TEST_CASES").ok().and_then(|text| text.parse().ok());
    proptest::test_runner::Config { cases: wanted.unwrap_or(usual), ..Default::default() }
}
