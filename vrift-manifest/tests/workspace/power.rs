//! Power cuts on a real file system: `scripts/power-cuts` mounts one, lets the writer here work in it, cuts the power,
//! mounts it again and lets the checker look. What was acknowledged, and what there was in between, is written down elsewhere.

use std::collections::{BTreeMap, BTreeSet};
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

/// What the tree has to be: what each name has.
type Names = BTreeMap<Vec<u8>, Digest>;

fn names(tree: &Tree) -> Names {
    let children = tree.children(tree.root()).expect("the root").map(|child| {
        let (name, at) = child.expect("a child");
        (name.to_vec(), tree.digest(at).expect("sound").expect("a file"))
    });
    children.collect()
}

/// That, as one word.
fn state(names: &Names) -> String {
    let lines = names.iter().map(|(name, digest)| format!("{} {digest}\n", name.escape_ascii()));
    Digest::of(lines.collect::<String>().as_bytes()).to_string()
}

/// Where lines are written down, not on the disk whose power is cut.
struct Told(fs::File, usize);

impl Told {
    fn in_directory(directory: &str, name: &str) -> Told {
        let path = Path::new(directory).join(name);
        let before = fs::read_to_string(&path).unwrap_or_default().lines().count();
        let file = fs::File::options().append(true).create(true).open(path);
        Told(file.expect("it can be written"), before)
    }

    fn say(&mut self, line: &str) {
        self.1 += 1;
        self.0.write_all(format!("{line}\n").as_bytes()).expect("written");
    }
}

/// The writer: its tree, what that has to be, and a line for each state, written before there is that state.
struct Writer {
    workspace: Workspace,
    names: Names,
    states: Told,
    dice: Dice,
}

/// Works until the power is cut. Argument: the directory for what it tells, and a seed.
#[test]
#[ignore = "run by scripts/power-cuts"]
fn writing_child() {
    let (home, argument) = from_parent();
    let (directory, round) = argument.split_once(' ').expect("two words");
    let mut acknowledged = Told::in_directory(directory, "acknowledged");
    if !home.names().expect("a list").contains(&"w".to_owned()) {
        create(&home, "w");
    }
    let workspace = Workspace::open(&home, "w").expect("it opens");
    let names = names(workspace.tree());
    let states = Told::in_directory(directory, "states");
    let dice = Dice(round.parse().expect("a number"));
    let mut writer = Writer { workspace, names, states, dice };
    writer.states.say(&state(&writer.names));
    for turn in 0_u64.. {
        writer.change(&format!("{round}-{turn}"));
        let roll = writer.dice.roll(60);
        // How many states there were by then: the last of them is acknowledged.
        let Writer { workspace, states: Told(_, there_were), .. } = &mut writer;
        match roll {
            0..=3 => {
                let seq = workspace.sync().expect("synced");
                let state = look(&workspace.view(seq).expect("a state"));
                acknowledged.say(&format!("{there_were} state {seq} {state}"));
            }
            4 => {
                let name = format!("name-{round}-{turn}");
                let seq = workspace.snapshot(&name).expect("named");
                let state = look(&workspace.view(seq).expect("a state"));
                acknowledged.say(&format!("{there_were} name {name} {state}"));
            }
            5 => {
                let name = format!("fork-{round}-{turn}");
                workspace.fork(&Moment::Now, &name).expect("a fork");
                let state = look(workspace.tree());
                acknowledged.say(&format!("{there_were} fork {name} {state}"));
            }
            6 => {
                let seq = workspace.compact().expect("folded");
                let state = look(workspace.tree());
                acknowledged.say(&format!("{there_were} state {seq} {state}"));
            }
            _ => {}
        }
    }
}

impl Writer {
    fn some(&mut self) -> Option<Vec<u8>> {
        let at = self.dice.roll(self.names.len().max(1) as u64) as usize;
        self.names.keys().nth(at).cloned()
    }

    fn change(&mut self, name: &str) {
        match self.dice.roll(10) {
            0..=5 => {
                let bytes = content(self.dice.roll(CONTENTS));
                let blob = self.workspace.store().put_bytes(&bytes).expect("a blob");
                let old = self.some();
                let (name, node) = match old.filter(|_| self.dice.roll(3) == 0) {
                    Some(old) => {
                        let path = std::str::from_utf8(&old).expect("ASCII");
                        let node = number(self.workspace.tree(), path);
                        (old, node)
                    }
                    None => {
                        self.names.insert(name.into(), Digest::of(b""));
                        self.states.say(&state(&self.names));
                        (name.into(), create_file(&mut self.workspace, ROOT, name).node)
                    }
                };
                let (digest, size) = (blob.digest, blob.size);
                self.names.insert(name, digest);
                self.make(&Change::SetContent { node, digest, size, mtime: None });
            }
            6 | 7 => {
                let (Some(from), Some(to)) = (self.some(), self.some()) else { return };
                let digest = self.names.remove(&from).expect("it was found");
                self.names.insert(to.clone(), digest);
                let (from_parent, to_parent, mode) = (ROOT, ROOT, RenameMode::Replace);
                self.make(&Change::Rename { from_parent, from: &from, to_parent, to: &to, mode });
            }
            _ => {
                let Some(name) = self.some() else { return };
                self.names.remove(&name);
                self.make(&Change::Unlink { parent: ROOT, name: &name });
            }
        }
    }

    fn make(&mut self, change: &Change<'_>) {
        self.states.say(&state(&self.names));
        self.workspace.change(change).expect("changed");
    }
}

/// Looks at what the cut has left, on another boot. Argument: the directory for what the writer told.
#[test]
#[ignore = "run by scripts/power-cuts"]
fn checking_child() {
    let root = PathBuf::from(std::env::var_os("VRIFT_TEST_ROOT").expect("given"));
    let directory = std::env::var("VRIFT_TEST_ARGUMENT").expect("given");
    let told = |name: &str| {
        let text = fs::read_to_string(Path::new(&directory).join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (acknowledged, states) = (told("acknowledged"), told("states"));
    let acknowledged = acknowledged.iter().map(|line| line.split(' ').collect::<Vec<_>>());
    let acknowledged: Vec<_> = acknowledged.collect();
    another_boot(&root);
    // From here on, what fails is the store's fault.
    println!("\nchecking");
    let (home, _) = from_parent();
    let mut sound = BTreeSet::new();
    let mut open = |name: &str| {
        let workspace = Workspace::open(&home, name);
        let workspace = workspace.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(workspace.damage().is_none(), "{name} is damaged");
        assert_whole(&workspace, workspace.tree(), &mut sound);
        workspace
    };
    let Some(last) = acknowledged.last() else {
        if home.names().expect("a list").contains(&"w".to_owned()) {
            open("w");
        }
        return;
    };
    let workspace = open("w");
    for line in &acknowledged {
        if let [_, "fork", name, state] = line[..] {
            assert_eq!(look(open(name).tree()), state, "{name} is another tree");
        }
    }
    // A name or a fork stays for ever, of the states the last one is enough: its history has the others.
    let last_state = acknowledged.iter().rev().find(|line| line[1] == "state");
    for line in acknowledged.iter().filter(|line| line[1] == "name").chain(last_state) {
        let [_, kind, name, state] = line[..] else { panic!("{line:?}") };
        let seq = match kind {
            "name" => workspace.resolve(&Moment::Snapshot(name.into())),
            _ => Ok(name.parse().expect("a number")),
        };
        let tree = seq.and_then(|seq| workspace.view(seq));
        let tree = tree.unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
        assert_eq!(look(&tree), state, "{kind} {name} is another one");
        assert_whole(&workspace, &tree, &mut sound);
    }
    // The present tree is one that there was, at or behind the one acknowledged last, and what its history says.
    let (tree, head) = (workspace.tree(), workspace.head());
    if let Some(line) = last_state {
        let seq: u64 = line[2].parse().expect("a number");
        assert!(head >= seq, "{seq} was acknowledged, and {head} is the last one");
    }
    let told = workspace.view(head).unwrap_or_else(|error| panic!("the head {head}: {error}"));
    assert_eq!(picture(tree), picture(&told), "the tree, and what its history says");
    let there_were: usize = last[0].parse().expect("a number");
    let found = state(&names(tree));
    assert!(
        states[there_were - 1..].contains(&found),
        "the tree is none that there was since state {there_were}, the last acknowledged one, but {}",
        match states.iter().rposition(|state| *state == found) {
            Some(at) => format!("state {}", at + 1),
            None => format!("none at all: {:?}", names(tree)),
        }
    );
    // Whatever lies under good names: who puts the content now has it afterwards.
    let store = home.store();
    for which in 0..CONTENTS {
        let put = store.put_bytes(&content(which)).expect("a blob");
        let verdict = store.verify_sized(&put.digest, put.size).expect("readable");
        assert!(verdict.is_sound(), "content {which} was taken for stored: {verdict:?}");
    }
}

/// Every file's content is there, has its size, and is what its name says. `sound`: what has been read before.
fn assert_whole(workspace: &Workspace, tree: &Tree, sound: &mut BTreeSet<(Digest, u64)>) {
    for child in tree.children(tree.root()).expect("the root") {
        let (name, at) = child.expect("a child");
        let size = tree.attributes(at).expect("attributes").size;
        let digest = tree.digest(at).expect("sound").expect("a file");
        if sound.insert((digest, size)) {
            let verdict = workspace.store().verify_sized(&digest, size).expect("readable");
            assert!(verdict.is_sound(), "{}: {verdict:?}", name.escape_ascii());
        }
    }
}

/// For what looks at the store by commands. Argument: none.
#[test]
#[ignore = "run by scripts/power-cuts"]
fn restarting_child() {
    another_boot(&PathBuf::from(std::env::var_os("VRIFT_TEST_ROOT").expect("given")));
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
