//! A store with workspaces, and what has to be true of it whatever was killed.
//!
//! `w` is built in, `o` goes to and fro with its directory, `in-N` are ingested, `fork-N` are forks; `other` is touched by
//! nobody. What was acknowledged, and what was seen to have happened, stays.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vrift_cas::{Digest, Store};
use vrift_manifest::workspace::{Home, Moment, Workspace};
use vrift_tests::sandbox::Sandbox;

use crate::look;
use crate::picture::{Picture, bytes_of, differs, of_directory, of_tree, of_workspace};
use crate::project::{self, Outputs};
use crate::said::{ok, run};

/// The file that says which round it is.
const ROUND: &str = "round.h";

/// The world of one seed.
pub struct World {
    /// Where all of it lies.
    pub sandbox: Sandbox,
    /// What is built, as natively in round 0, and what says the round.
    pub outputs: Outputs,
    /// The sources of `w`.
    pub sources: Picture,
    /// Workspaces that are not worked on, as they are.
    pub still: BTreeMap<String, Picture>,
    /// Snapshots of `w`.
    pub snapshots: BTreeMap<String, Picture>,
    /// `w` and `o` as they were seen last.
    pub present: BTreeMap<String, Picture>,
    /// Counts what is made, so that names are new.
    pub made: u64,
    /// The last round in which something was built.
    round: u64,
    /// Outputs that were looked at, by their digests: the digest in round 0, and the rounds that it shows.
    looked_at: RefCell<BTreeMap<String, Shown>>,
}

/// An output as it is in round 0, and the rounds that it shows.
type Shown = (String, BTreeSet<u64>);

/// An error as text.
pub fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl World {
    /// Makes it.
    pub fn new(outputs: &Outputs) -> Result<World, String> {
        let sandbox = Sandbox::new();
        let (project, linked, extra) =
            (sandbox.path("project"), sandbox.path("linked"), sandbox.path("extra"));
        project::write(&project).map_err(text)?;
        for number in 0..12 {
            for (name, side) in [("ours", &linked), ("theirs", &linked), ("file", &extra)] {
                let path = side.join(format!("{name}-{number}"));
                fs::create_dir_all(side).map_err(text)?;
                fs::write(path, format!("{name} {number} as it was\n").repeat(30)).map_err(text)?;
            }
        }
        fs::create_dir(extra.join("sub")).map_err(text)?;
        fs::write(extra.join("sub/large"), vec![7; 300_000]).map_err(text)?;
        let sources = of_directory(&project).map_err(text)?;
        let (still, snapshots, present) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut outputs = outputs.clone();
        outputs.extend(sources.get(ROUND).map(|entry| (ROUND.to_owned(), entry.content.clone())));
        let (made, round, looked_at) = (0, 0, RefCell::default());
        let mut world =
            World { sandbox, outputs, sources, still, snapshots, present, made, round, looked_at };
        // Files that were just written are read again later: ingests are to be as they are in everyday life.
        std::thread::sleep(std::time::Duration::from_millis(40));
        for (directory, name) in [("project", "w"), ("linked", "o")] {
            world.ok(&["ingest", directory, "--name", name])?;
            let workspace = world.open(name)?;
            world.present.insert(name.into(), of_workspace(&workspace)?);
        }
        world.ok(&["fork", "w", "other"])?;
        let at = world.sandbox.path("project");
        let script = "echo of the other >> doc/readme; mkdir more; echo x > more/x; rm part3.c";
        let words = ["run", "-w", "other", "--", "sh", "-ec", script];
        ok(&world.sandbox, &at, &words)?;
        let other = of_workspace(&world.open("other")?)?;
        world.still.insert("other".into(), other);
        world.snapshot("begun")?;
        Ok(world)
    }

    fn snapshot(&mut self, name: &str) -> Result<(), String> {
        self.ok(&["snapshot", "w", name])?;
        let picture = of_workspace(&self.open("w")?)?;
        self.snapshots.insert(name.into(), picture);
        Ok(())
    }

    /// A name that was never used.
    pub fn name(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}-{}", self.made)
    }

    /// A number that nothing was built with.
    pub fn next_round(&mut self) -> u64 {
        self.round += 1;
        self.round
    }

    /// An output of `w` with this digest, as it is in round 0, and the rounds that it shows.
    pub fn shown(&self, w: &Workspace, path: &str, digest: &str) -> Result<Shown, String> {
        let known = self.looked_at.borrow().get(digest).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let (bytes, rounds) = project::in_round_0(&bytes_of(w, path)?);
        let shown = (Digest::of(&bytes).to_string(), rounds);
        self.looked_at.borrow_mut().insert(digest.to_owned(), shown.clone());
        Ok(shown)
    }

    /// Whether this is a source that no build changes.
    pub fn is_source(&self, path: &str) -> bool {
        self.sources.contains_key(path) && !self.outputs.contains_key(path)
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path(name)
    }

    /// Runs the command; it has to succeed.
    pub fn ok(&self, words: &[&str]) -> Result<String, String> {
        ok(&self.sandbox, &self.path("."), words)
    }

    /// The store, as another process opens it.
    pub fn home(&self) -> Result<Home, String> {
        let store = Store::create_or_open(self.path("store")).map_err(text)?;
        Ok(Home::new(Arc::new(store), &[self.path("home")]))
    }

    /// Opens a workspace: it has to open without help, and to be whole.
    pub fn open(&self, name: &str) -> Result<Workspace, String> {
        let workspace = Workspace::open(&self.home()?, name);
        let workspace = workspace.map_err(|error| format!("{name} does not open: {error}"))?;
        match workspace.damage() {
            None => Ok(workspace),
            Some(damage) => Err(format!("{name} is damaged: {damage}")),
        }
    }

    /// The workspaces there are.
    pub fn names(&self) -> Result<Vec<String>, String> {
        self.home()?.names().map_err(text)
    }

    /// The control page of a workspace.
    pub fn control(&self, name: &str) -> PathBuf {
        self.path("store/workspaces").join(name).join("control")
    }

    /// What is true after everything: nothing acknowledged is lost, and what nobody works on is as it was. `target`: the
    /// workspace that was worked on, which its operation looks at.
    pub fn check(&self, target: &str) -> Result<(), String> {
        let names = self.names()?;
        for name in self.still.keys().chain(self.present.keys()) {
            if !names.contains(name) && name != target {
                return Err(format!("the workspace {name} is lost"));
            }
        }
        let pictures = self.still.iter().chain(&self.present);
        for (name, wanted) in pictures.filter(|(name, _)| *name != target) {
            let found = of_workspace(&self.open(name)?)?;
            if let Some(why) = differs(&found, wanted) {
                return Err(format!("{name} is not as it was: {why}"));
            }
        }
        let workspace = self.open("w")?;
        for (name, wanted) in &self.snapshots {
            let moment = Moment::Snapshot(name.clone());
            let seq = workspace.resolve(&moment).map_err(|error| format!("{name}: {error}"))?;
            let tree = workspace.view(seq).map_err(|error| format!("{name}: {error}"))?;
            if let Some(why) = differs(&of_tree(&tree)?, wanted) {
                return Err(format!("the snapshot {name} is not as it was: {why}"));
            }
        }
        let on_disk = of_directory(&self.path("project")).map_err(text)?;
        match differs(&on_disk, &self.sources) {
            Some(why) => Err(format!("the real directory of the sources: {why}")),
            None => Ok(()),
        }
    }

    /// The store is whole, as `vrift fsck` says.
    pub fn fsck(&self) -> Result<(), String> {
        let said = run(&self.sandbox, &self.path("."), &["fsck".to_owned()])?;
        match said.code {
            Some(0) => Ok(()),
            code => Err(format!("fsck: exit code {code:?}: {}", said.text)),
        }
    }

    /// A program sees the same tree of `w` as the library says that it is.
    pub fn look(&self) -> Result<(), String> {
        let seen = self.seen(&self.path("project"))?;
        let wanted = of_workspace(&self.open("w")?)?;
        match differs(&seen, &wanted) {
            Some(why) => Err(format!("what a program sees of w: {why}")),
            None => self.look_at_sources_in(&seen),
        }
    }

    /// What a program reads of the sources has their bytes.
    pub fn look_at_sources(&self) -> Result<(), String> {
        self.look_at_sources_in(&self.seen(&self.path("project"))?)
    }

    fn look_at_sources_in(&self, seen: &Picture) -> Result<(), String> {
        let of = |picture: &Picture| -> Picture {
            let sources = picture.iter().filter(|(path, _)| self.is_source(path));
            sources.map(|(path, entry)| (path.clone(), entry.clone())).collect()
        };
        match differs(&of(seen), &of(&self.sources)) {
            Some(why) => Err(format!("the sources, as a program sees them: {why}")),
            None => Ok(()),
        }
    }

    fn seen(&self, directory: &Path) -> Result<Picture, String> {
        let this = std::env::current_exe().map_err(text)?;
        let (this, at) = (this.to_string_lossy(), directory.to_string_lossy());
        let words = ["run", "-w", "w", "--", &*this, "look", &*at];
        let said = ok(&self.sandbox, directory, &words)?;
        // Behind it comes the closing line.
        let lines: Vec<&str> = said.lines().filter(|line| line.contains('\t')).collect();
        look::parse(&lines.join("\n")).ok_or(format!("what a program sees: {said}"))
    }
}
