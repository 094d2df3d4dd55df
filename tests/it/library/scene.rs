//! A workspace of many equal directories, and as many real ones beside it: one of each for every try.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use vrift_manifest::handover::Handover;
use vrift_manifest::workspace::Workspace;
use vrift_tests::fixture::Fixture;
use vrift_tests::installed::{command, run_in};
use vrift_tests::sandbox::{Sandbox, said};
use vrift_tests::traced::{Act, Stop, Traced, Whom, trace};

use super::picture::{Picture, picture};

/// How many tries a workspace is good for.
const TRIES: usize = 40;

/// The two sides of a try: below the mount, and really there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// In the tree.
    pub inside: Picture,
    /// On the disk.
    pub outside: Picture,
}

/// The workspace.
pub struct Scene {
    pub sandbox: Sandbox,
    handover: Handover,
    used: usize,
    plant: fn(&Path),
}

/// Files of a directory as it is before a try.
fn plant(directory: &Path) {
    fs::create_dir_all(directory.join("tree/sub")).expect("a directory");
    fs::create_dir(directory.join("empty")).expect("a directory");
    let contents = [
        ("file", "what was there".repeat(400)),
        ("other", "another".into()),
        ("tree/one", "first".into()),
        ("tree/sub/two", "second".repeat(3000)),
        ("script", "#!/bin/sh\nexit 0\n".into()),
    ];
    for (name, content) in contents {
        fs::write(directory.join(name), content).expect("a file");
    }
    fs::hard_link(directory.join("other"), directory.join("twin")).expect("a link");
    symlink("file", directory.join("link")).expect("a symlink");
    // A program that reads nothing: all it shows is that it runs.
    fs::copy("/bin/true", directory.join("program")).expect("a program");
    mode(&directory.join("script"), 0o755);
    mode(&directory.join("file"), 0o640);
    // Deepest first, for times of directories.
    let words = "find \"$1\" -depth -exec touch -h -d @1000000000 {} +";
    let status = Command::new("sh").args(["-c", words, "sh"]).arg(directory).status();
    assert!(status.expect("find").success());
}

/// What comes from the other side.
fn plant_outside(directory: &Path) {
    fs::create_dir_all(directory.join("more/deep")).expect("a directory");
    fs::write(directory.join("new"), "what is to come".repeat(300)).expect("a file");
    fs::write(directory.join("present"), "outside before").expect("a file");
    fs::write(directory.join("more/a"), "of a directory").expect("a file");
    fs::write(directory.join("more/deep/b"), "of a directory in it").expect("a file");
    let words = "find \"$1\" -depth -exec touch -h -d @1100000000 {} +";
    let status = Command::new("sh").args(["-c", words, "sh"]).arg(directory).status();
    assert!(status.expect("find").success());
}

fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
}

impl Scene {
    /// For programs that change files.
    pub fn new() -> Scene {
        Scene::of(plant)
    }

    /// Directories as `plant` makes one.
    pub fn of(plant: fn(&Path)) -> Scene {
        let sandbox = Sandbox::new();
        let base = sandbox.path("native");
        plant(&base.join("inside"));
        plant_outside(&base.join("outside"));
        for number in 0..TRIES {
            copy(&base.join("inside"), &sandbox.path(format!("project/{number}")));
            copy(&base.join("outside"), &sandbox.path(format!("outside/{number}")));
        }
        sandbox.ok(["ingest", "project", "--name", "w"]);
        // What falls through to the disk finds nothing.
        fs::remove_dir_all(sandbox.path("project")).expect("removed");
        fs::create_dir(sandbox.path("project")).expect("made again");
        let workspace = Workspace::open(&Fixture::of(&sandbox).home, "w").expect("it opens");
        let handover = Handover::of(&workspace).expect("a handover");
        Scene { sandbox, handover, used: 0, plant }
    }

    /// A directory that nothing was done to. Of a new workspace, when this one is used up.
    pub fn next(&mut self) -> usize {
        if self.used == TRIES {
            self.check_whole("when it is used up");
            *self = Scene::of(self.plant);
        }
        self.used += 1;
        self.used - 1
    }

    pub fn inside(&self, try_: usize) -> PathBuf {
        self.sandbox.path("project").join(try_.to_string())
    }

    pub fn outside(&self, try_: usize) -> PathBuf {
        self.sandbox.path("outside").join(try_.to_string())
    }

    fn environment(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("LD_PRELOAD", command().with_file_name("libvrift_shim.so")),
            ("VRIFT_SESSION", self.handover.to_text().into()),
            ("VRIFT_HOME", self.sandbox.path("store")),
        ]
    }

    /// Runs a program in the workspace, and asks at every stop.
    pub fn trace(&self, words: &[String], whom: Whom, each: impl FnMut(&Stop) -> Act) -> Traced {
        let environment = self.environment();
        let environment = environment.each_ref().map(|(name, value)| (*name, value.as_path()));
        trace(words, &environment, &self.sandbox.path("home"), whom, each)
    }

    /// Runs the command itself, and asks at every stop.
    pub fn trace_command(&self, words: &[String], each: impl FnMut(&Stop) -> Act) -> Traced {
        let (home, store) = (self.sandbox.path("home"), self.sandbox.path("store"));
        let environment = [("VRIFT_HOME", &*store), ("HOME", &*home), ("XDG_RUNTIME_DIR", &*home)];
        let command = [command().display().to_string()];
        trace(&[&command, words].concat(), &environment, &home, Whom::Forks, each)
    }

    /// Runs a program in the workspace to its end.
    pub fn run(&self, words: &[String]) -> Option<i32> {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).envs(self.environment()).current_dir(self.sandbox.path("home"));
        said(&mut command).code
    }

    /// Runs a program in the workspace; it has to succeed.
    #[track_caller]
    pub fn ok(&self, words: &[&str]) {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        assert_eq!(self.run(&words), Some(0), "{words:?}");
    }

    /// What a program sees of the directories of a try.
    #[track_caller]
    pub fn look(&self, try_: usize, place: &str) -> Sides {
        let seen = self.sandbox.path("seen");
        let from = self.inside(try_);
        let words = ["cp", "-a", "--", &from.to_string_lossy(), &seen.to_string_lossy()];
        let code = self.run(&words.map(str::to_owned));
        assert_eq!(code, Some(0), "{place}: it cannot be read");
        let inside = picture(&seen);
        fs::remove_dir_all(&seen).expect("removed");
        Sides { inside, outside: picture(&self.outside(try_)) }
    }

    /// Whether the store is whole, and a program sees what the command exports.
    #[track_caller]
    pub fn check_whole(&self, place: &str) {
        self.check_store(place);
        let (seen, exported) = (self.sandbox.path("seen"), self.sandbox.path("exported"));
        let project = self.sandbox.path("project");
        self.ok(&["cp", "-a", "--", &project.to_string_lossy(), &seen.to_string_lossy()]);
        self.sandbox.ok(["export", "w", &exported.to_string_lossy()]);
        assert_eq!(picture(&seen), picture(&exported), "{place}: programs see what is exported");
        fs::remove_dir_all(&seen).expect("removed");
        fs::remove_dir_all(&exported).expect("removed");
        let on_disk: Vec<_> = fs::read_dir(&project).expect("it is there").collect();
        assert!(on_disk.is_empty(), "{place}: on the disk: {on_disk:?}");
    }

    /// Whether the store is whole, and nobody had to repair it.
    #[track_caller]
    pub fn check_store(&self, place: &str) {
        let said = said(&mut run_in(&self.sandbox, ".", ["fsck"]));
        assert_eq!(said.code, Some(0), "{place}: {} {}", said.text(), said.err);
        let workspace = Workspace::open(&Fixture::of(&self.sandbox).home, "w").expect(place);
        assert!(workspace.damage().is_none(), "{place}: damaged");
    }

    /// Before and after an operation on a real directory: the kernel says how it is to be.
    pub fn native(&self, words: &dyn Fn(&Path, &Path) -> Vec<String>) -> (Sides, Sides) {
        let base = self.sandbox.path("native");
        let room = self.sandbox.path("kernel");
        copy(&base, &room);
        let sides = || Sides {
            inside: picture(&room.join("inside")),
            outside: picture(&room.join("outside")),
        };
        let before = sides();
        let words = words(&room.join("inside"), &room.join("outside"));
        let said = said(Command::new(&words[0]).args(&words[1..]));
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.err);
        let after = sides();
        fs::remove_dir_all(&room).expect("removed");
        (before, after)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
    let status = Command::new("cp").arg("-a").arg("--").args([from, to]).status();
    assert!(status.expect("cp").success());
}
