//! Power cuts on a real file system: `scripts/power-cuts` mounts one, lets the writer here work in it, cuts the power,
//! mounts it again and lets the checker look. What was acknowledged is written down elsewhere.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use vrift_cas::Digest;
use vrift_manifest::tree::{Change, ROOT, RenameMode, Tree};
use vrift_manifest::workspace::{Moment, Workspace};

use crate::support::{
    control_path, create, create_file, from_parent, number, picture, restart_machine,
};

/// Random enough, and the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

/// Content number `which`, of which there are not many: most of what is put was there before.
fn content(which: u64) -> Vec<u8> {
    let mut dice = Dice(which);
    let length = [0, 100, 5_000, 70_000][dice.roll(4) as usize] + dice.roll(50);
    (0..length).map(|_| dice.roll(256) as u8).collect()
}

const CONTENTS: u64 = 400;

fn look(tree: &Tree) -> String {
    Digest::of(picture(tree).join("\n").as_bytes()).to_string()
}

/// Works until the power is cut. Argument: the file for acknowledgements, and a seed.
#[test]
#[ignore = "run by scripts/power-cuts"]
fn writing_child() {
    let (home, argument) = from_parent();
    let (path, seed) = argument.split_once(' ').expect("two words");
    let mut acknowledged =
        fs::File::options().append(true).create(true).open(path).expect("it can be written");
    let mut dice = Dice(seed.parse().expect("a number"));
    let round = seed;
    if !home.names().expect("a list").contains(&"w".to_owned()) {
        create(&home, "w");
    }
    let mut workspace = Workspace::open(&home, "w").expect("it opens");
    let mut say = |line: String| acknowledged.write_all(line.as_bytes()).expect("written");
    say(format!("round {round}\n"));
    for turn in 0_u64.. {
        change(&mut workspace, &mut dice, &format!("{round}-{turn}"));
        match dice.roll(60) {
            0..=3 => {
                let seq = workspace.sync().expect("synced");
                let state = look(&workspace.view(seq).expect("a state"));
                say(format!("state {seq} {state}\n"));
            }
            4 => {
                let name = format!("name-{round}-{turn}");
                let seq = workspace.snapshot(&name).expect("named");
                let state = look(&workspace.view(seq).expect("a state"));
                say(format!("name {name} {state}\n"));
            }
            5 => {
                let name = format!("fork-{round}-{turn}");
                workspace.fork(&Moment::Now, &name).expect("a fork");
                say(format!("fork {name} {}\n", look(workspace.tree())));
            }
            6 => {
                let seq = workspace.compact().expect("folded");
                say(format!("state {seq} {}\n", look(workspace.tree())));
            }
            _ => {}
        }
    }
}

fn change(workspace: &mut Workspace, dice: &mut Dice, name: &str) {
    let tree = workspace.tree();
    let children: Vec<Vec<u8>> = tree
        .children(tree.root())
        .expect("the root")
        .map(|child| child.expect("a child").0.to_vec())
        .collect();
    let some = |dice: &mut Dice| {
        let at = dice.roll(children.len().max(1) as u64) as usize;
        children.get(at).cloned()
    };
    match dice.roll(10) {
        0..=5 => {
            let bytes = content(dice.roll(CONTENTS));
            let blob = workspace.store().put_bytes(&bytes).expect("a blob");
            let node = match some(dice).filter(|_| dice.roll(3) == 0) {
                Some(old) => number(workspace.tree(), std::str::from_utf8(&old).expect("ASCII")),
                None => create_file(workspace, ROOT, name).node,
            };
            let (digest, size) = (blob.digest, blob.size);
            let change = Change::SetContent { node, digest, size, mtime: None };
            workspace.change(&change).expect("content");
        }
        6 | 7 => {
            let (Some(from), Some(to)) = (some(dice), some(dice)) else { return };
            let (from_parent, to_parent, mode) = (ROOT, ROOT, RenameMode::Replace);
            let change = Change::Rename { from_parent, from: &from, to_parent, to: &to, mode };
            workspace.change(&change).expect("a rename");
        }
        _ => {
            let Some(name) = some(dice) else { return };
            let change = Change::Unlink { parent: ROOT, name: &name };
            workspace.change(&change).expect("unlinked");
        }
    }
}

/// Looks at what the cut has left, on another boot. Argument: the file for acknowledgements.
#[test]
#[ignore = "run by scripts/power-cuts"]
fn checking_child() {
    let root = PathBuf::from(std::env::var_os("VRIFT_TEST_ROOT").expect("given"));
    let acknowledged = std::env::var("VRIFT_TEST_ARGUMENT").expect("given");
    another_boot(&root);
    let (home, _) = from_parent();
    let text = fs::read_to_string(acknowledged).expect("readable");
    // A name or a fork stays for ever, of the states the last one is enough: its history has the others.
    let mut last_state = None;
    let open = |name: &str| {
        let workspace = Workspace::open(&home, name);
        let workspace = workspace.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(workspace.damage().is_none(), "{name} is damaged");
        assert_whole(&workspace, workspace.tree());
        workspace
    };
    if !text.lines().any(|line| !line.starts_with("round ")) {
        return;
    }
    let workspace = open("w");
    let words = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let words: Vec<_> = words.collect();
    for line in words.iter().rev().take(200) {
        match line[..] {
            ["state", seq, state] if last_state.is_none() => last_state = Some((seq, state)),
            ["name", name, state] => {
                let seq = workspace.resolve(&Moment::Snapshot(name.into()));
                let tree = workspace.view(seq.unwrap_or_else(|error| panic!("{error}")));
                let tree = tree.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(look(&tree), state, "{name} is another state");
                assert_whole(&workspace, &tree);
            }
            ["fork", name, state] => {
                assert_eq!(look(open(name).tree()), state, "{name} is another tree");
            }
            _ => {}
        }
    }
    if let Some((seq, state)) = last_state {
        let seq: u64 = seq.parse().expect("a number");
        let tree = workspace.view(seq).unwrap_or_else(|error| panic!("state {seq}: {error}"));
        assert_eq!(look(&tree), state, "state {seq} is another one");
        assert_whole(&workspace, &tree);
    }
    // Whatever lies under good names: who puts the content now has it afterwards.
    let store = home.store();
    for which in 0..CONTENTS {
        let put = store.put_bytes(&content(which)).expect("a blob");
        let verdict = store.verify_sized(&put.digest, put.size).expect("readable");
        assert!(verdict.is_sound(), "content {which} was taken for stored: {verdict:?}");
    }
}

/// Every file's content is there, has its size, and is what its name says.
fn assert_whole(workspace: &Workspace, tree: &Tree) {
    for child in tree.children(tree.root()).expect("the root") {
        let (name, at) = child.expect("a child");
        let size = tree.attributes(at).expect("attributes").size;
        let digest = tree.digest(at).expect("sound").expect("a file");
        let verdict = workspace.store().verify_sized(&digest, size).expect("readable");
        assert!(verdict.is_sound(), "{}: {verdict:?}", name.escape_ascii());
    }
}

/// Makes it look as if the machine had been started again: here it was not.
fn another_boot(root: &Path) {
    let path = root.join("store/boot");
    if let Ok(text) = fs::read_to_string(&path)
        && let Some((_, number)) = text.split_once(' ')
    {
        fs::write(&path, format!("another-{} {number}", number.trim())).expect("written");
    }
    let Ok(workspaces) = fs::read_dir(root.join("store/workspaces")) else { return };
    for entry in workspaces {
        let name = entry.expect("an entry").file_name().into_string().expect("ASCII");
        if control_path(root, &name).exists() {
            restart_machine(root, &name);
        }
    }
}
