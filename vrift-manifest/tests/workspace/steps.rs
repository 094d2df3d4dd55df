//! Death between any two instructions of a change. A child is taken through changes one instruction at a time; at every
//! state of the shared memory that it leaves, the lock is made to look as the kernel leaves it when its owner dies, and
//! what the next one finds is compared with the journal. Then the memory is put back, and the child goes on.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use nix::sys::ptrace;
use vrift_cas::Digest;
use vrift_manifest::tree::{Change, ROOT, RenameMode};
use vrift_manifest::workspace::Workspace;

use crate::support::{
    Fixture, control_path, create_file, from_parent, make_directory, number, open_segment, picture,
    walk,
};
use crate::trace::{Traced, ready};

/// A number of the environment.
fn number_of(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Of the states of the memory, how many are looked at: one in so many.
fn one_in() -> usize {
    number_of("VRIFT_TEST_STEP").unwrap_or(4)
}

/// Which ones: with as many seeds from 0 on as one is taken of, all are.
fn seed() -> usize {
    number_of("VRIFT_TEST_SEED").unwrap_or(0)
}

#[test]
fn a_death_between_any_two_instructions_of_a_change_leaves_what_the_journal_says() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let Some(first) = steps(&fixture, &workspace, "first") else { return };
    prepare(&mut workspace);
    workspace.compact().expect("compaction");
    let mut states = first;
    let changes = [
        "create", "symlink", "mkdir", "content", "chmod", "chown", "utimes", "xattr", "link",
        "rename", "replace", "exchange", "move", "over", "unlink", "rmdir",
    ];
    for change in changes {
        states += steps(&fixture, &workspace, change).expect("it could be traced before");
    }
    // Both tables of the index are full now, but for one.
    workspace.compact().expect("compaction");
    for file in 0..126 {
        create_file(&mut workspace, ROOT, &format!("many-{file}"));
    }
    let node = number(workspace.tree(), "many-0");
    workspace.change(&Change::Link { node, parent: ROOT, name: b"many" }).expect("a link");
    for _ in 0..3 {
        states += steps(&fixture, &workspace, "create").expect("it could be traced before");
    }
    println!("{states} states of the shared memory, one in {} looked at", one_in());
    println!("tally\tsweep\t{states}\t0\t{0}-{0}", seed());
    assert!(states > 800 / one_in(), "{states}");
}

/// A tree to change: some of it comes from the image, after compaction.
fn prepare(workspace: &mut Workspace) {
    for name in ["one", "two"] {
        let directory = make_directory(workspace, ROOT, name).node;
        make_directory(workspace, directory, "sub");
        for file in ["a", "b"] {
            create_file(workspace, directory, file);
        }
    }
    for name in ["empty", "other", "third"] {
        make_directory(workspace, ROOT, name);
    }
}

/// What a child is told to do.
fn perform(workspace: &mut Workspace, what: &str, fresh: &str) {
    let tree = workspace.tree();
    let find = |path: &str| walk(tree, path, false).map(|at| tree.number(at).expect("a number"));
    let node = |path: &str| find(path).expect(path);
    let create = |mode, target| Change::Create {
        parent: ROOT,
        name: fresh.as_bytes(),
        mode,
        uid: 7,
        gid: 8,
        rdev: 0,
        target,
    };
    let rename = |from_parent, from, to_parent, to, mode| Change::Rename {
        from_parent,
        from,
        to_parent,
        to,
        mode,
    };
    let time = Some(vrift_manifest::time::Timestamp { sec: 9, nsec: 9 });
    let change = match what {
        "first" => Change::SetMode { node: ROOT, mode: 0o711 },
        "create" => create(0o100644, &b""[..]),
        "symlink" => create(0o120777, &b"a target that takes a few words"[..]),
        "mkdir" => create(0o040755, &b""[..]),
        "content" => Change::SetContent {
            node: node("one/a"),
            digest: Digest::of(b"x"),
            size: 1,
            mtime: time,
        },
        "chmod" => Change::SetMode { node: node("one"), mode: 0o700 },
        "chown" => Change::SetOwner { node: node("one/a"), uid: Some(3), gid: None },
        "utimes" => Change::SetTimes { node: node("two/b"), atime: time, mtime: time },
        "xattr" => {
            Change::SetXattr { node: node("one/a"), name: b"user.x", value: Some(b"a value") }
        }
        "link" => Change::Link { node: node("one/b"), parent: node("two"), name: b"second" },
        "rename" => rename(node("one"), &b"a"[..], node("two"), &b"c"[..], RenameMode::Replace),
        "replace" => rename(node("two"), b"c", node("two"), b"a", RenameMode::Replace),
        "exchange" => rename(node("one"), b"sub", node("two"), b"a", RenameMode::Exchange),
        "move" => rename(ROOT, b"other", node("two"), b"moved", RenameMode::Replace),
        "over" => rename(ROOT, b"third", node("two"), b"moved", RenameMode::Replace),
        "unlink" => Change::Unlink { parent: node("one"), name: b"b" },
        "rmdir" => Change::RemoveDirectory { parent: ROOT, name: b"empty" },
        other => panic!("{other}"),
    };
    workspace.change(&change).expect(what);
}

#[test]
#[ignore = "a child of other tests"]
fn stepping_child() {
    let (home, argument) = from_parent();
    let (what, fresh) = argument.split_once(' ').expect("two words");
    let mut workspace = Workspace::open(&home, "w").expect("it exists");
    // Everything is mapped for writing after this.
    workspace.change(&Change::Unlink { parent: ROOT, name: b"no such name" }).expect_err("missing");
    ready();
    perform(&mut workspace, what, fresh);
    println!("\ndone");
    std::io::stdin().read_line(&mut String::new()).expect("a line");
}

/// Takes a child through one change; how many states were looked at. `None`: tracing is forbidden here.
fn steps(fixture: &Fixture, workspace: &Workspace, what: &str) -> Option<usize> {
    let argument = format!("{what} new-{}", workspace.head());
    let mut traced = Traced::start("steps::stepping_child", &fixture.root, &argument)?;
    let thread = traced.thread;
    let memory = Memory::of(fixture, workspace);
    let before = (workspace.head(), picture(workspace.tree()));
    let reader = Workspace::open(&fixture.home, "w").expect("it opens");
    let index = workspace.index_path();
    let kept = fixture.root.join(format!("kept-{}", workspace.head()));
    fs::hard_link(&index, &kept).expect("a second name");
    let (mut seen, mut states, mut looked, mut held) = (None, 0, 0, false);
    loop {
        ptrace::step(thread, None).expect("a step");
        assert!(traced.stopped(), "{what}: the child ended");
        if memory.lock() != thread.as_raw().cast_unsigned() {
            // It has given the lock back: the change is over.
            if held {
                break;
            }
            continue;
        }
        held = true;
        let now = memory.bytes();
        if seen.as_ref() == Some(&now) {
            continue;
        }
        states += 1;
        // Of the first change of all every state: it finds nothing there yet.
        if what == "first" || states % one_in() == seed() % one_in() {
            looked += 1;
            look_at(fixture, &memory, &reader, &before, &format!("{what}, state {states}"));
            memory.put_back(&now);
            if !index.exists() {
                // The one that was built in its place goes.
                for built in fs::read_dir(fixture.home.runtime()).expect("a directory") {
                    fs::remove_file(built.expect("an entry").path()).expect("removed");
                }
                fs::hard_link(&kept, &index).expect("its name again");
            }
        }
        seen = Some(now);
    }
    ptrace::detach(thread, None).expect("detached");
    traced.wait_for("done");
    traced.tell("end");
    assert!(traced.end().0.success());
    let after = Workspace::open(&fixture.home, "w").expect("it opens");
    assert_eq!(after.head(), before.0 + 1, "{what}");
    let replayed = after.view(after.head()).expect("a state");
    assert_eq!(picture(after.tree()), picture(&replayed), "{what}");
    Some(looked)
}

/// The child dies here: what does the next one find?
fn look_at(
    fixture: &Fixture,
    memory: &Memory,
    reader: &Workspace,
    before: &(u64, Vec<String>),
    place: &str,
) {
    // A reader that was there already sees one or the other of each thing, and nothing that is neither.
    picture(reader.tree());
    let epoch = memory.epoch();
    // Between the two stores of a word that is there twice nobody can tell which of them is right.
    let is_whole = reader.tree().index().is_whole();
    memory.owner_dies();
    let mut next = Workspace::open(&fixture.home, "w").expect(place);
    assert_eq!(memory.lock(), 0, "{place}: it was not repaired");
    assert_eq!(memory.epoch() == epoch, is_whole, "{place}: built again only if it must be");
    let head = next.head();
    assert!(head == before.0 || head == before.0 + 1, "{place}: {head}");
    let found = picture(next.tree());
    if head == before.0 {
        assert_eq!(found, before.1, "{place}: half of it is there");
    }
    assert_eq!(found, picture(&next.view(head).expect(place)), "{place}");
    // It goes on from there.
    create_file(&mut next, ROOT, "afterwards");
    assert_eq!(picture(next.tree()), picture(&next.view(head + 1).expect(place)), "{place}");
}

/// All that processes share.
struct Memory {
    control: File,
    /// What a change, and the one that follows it, can alter: in which file, from where on, how much.
    places: Vec<(File, u64, usize)>,
}

impl Memory {
    fn of(fixture: &Fixture, workspace: &Workspace) -> Memory {
        let open = |path: PathBuf| {
            File::options().read(true).write(true).open(&path).expect("a file of the workspace")
        };
        let directory = std::fs::read_dir(fixture.home.runtime()).expect("a directory");
        let indexes: Vec<PathBuf> =
            directory.map(|entry| entry.expect("an entry").path()).collect();
        let [index] = &indexes[..] else { panic!("one index is in force: {indexes:?}") };
        let index = open(index.clone());
        let control = control_path(&fixture.root, "w");
        let used = word(&index, 4) as usize * 8;
        let places = vec![
            (open(control.clone()), 0, 32 * 8),
            (index, 0, used + (24 << 10)),
            (open(open_segment(workspace)), workspace.journal_bytes(), 2048),
        ];
        Memory { control: open(control), places }
    }

    fn bytes(&self) -> Vec<Vec<u8>> {
        let read = |(file, from, length): &(File, u64, usize)| {
            let mut bytes = vec![0; *length];
            file.read_exact_at(&mut bytes, *from).expect("readable");
            bytes
        };
        self.places.iter().map(read).collect()
    }

    fn put_back(&self, bytes: &[Vec<u8>]) {
        for ((file, from, _), bytes) in self.places.iter().zip(bytes) {
            file.write_all_at(bytes, *from).expect("writable");
        }
    }

    fn lock(&self) -> u32 {
        word(&self.control, 8) as u32
    }

    fn epoch(&self) -> u64 {
        word(&self.control, 16)
    }

    /// What the kernel does to the lock of an owner that dies.
    fn owner_dies(&self) {
        self.control.write_all_at(&0x4000_0000u32.to_le_bytes(), 8 * 8).expect("writable");
    }
}

fn word(file: &File, at: u64) -> u64 {
    let mut word = [0; 8];
    file.read_exact_at(&mut word, at * 8).expect("readable");
    u64::from_le_bytes(word)
}
