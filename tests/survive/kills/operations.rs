//! The operations, each with what may be there when it was killed, and what has to be there when it is done again.

use std::fs;

use vrift_tests::random::Random;

use super::world::{World, text};
use crate::picture::{Picture, differs, of_directory, of_tree, of_workspace, timeless};
use crate::project::round_header;
use crate::said::run;
use vrift_manifest::workspace::Moment;

/// What is done.
#[derive(Debug, Clone)]
pub enum Operation {
    /// `make` of a round in a run, behind `rm` of some of what is there.
    Build(Vec<String>, u64),
    /// Names the state of `w`.
    Snapshot(String),
    /// A fork of `w`.
    Fork(String),
    /// Drops a fork.
    Drop(String),
    /// Collects, with a grace of so many seconds.
    Gc(u64),
    /// Folds the journal of `w`; forgetting what is older than its snapshots.
    Compact(bool),
    /// Writes `w` to a real directory.
    Export(String),
    /// `w` becomes what a snapshot is.
    Reset(String),
    /// A new workspace of a real directory.
    Ingest(String),
    /// The directory has changed.
    IngestAgain(String),
    /// Takes the directory's changes into `o`.
    Sync,
    /// Writes the changes of `o` to its directory.
    Apply,
}

/// All, as they are weighed, out of 100: builds are what a store is for, and they have the most processes.
const WEIGHTS: &[(&str, usize)] = &[
    ("build", 34),
    ("snapshot", 7),
    ("fork", 7),
    ("drop", 4),
    ("gc", 10),
    ("compact", 8),
    ("export", 5),
    ("reset", 5),
    ("ingest", 7),
    ("again", 4),
    ("sync", 5),
    ("apply", 4),
];

/// The kinds.
pub fn kinds() -> Vec<&'static str> {
    WEIGHTS.iter().map(|(kind, _)| *kind).collect()
}

/// One of the kinds.
pub fn some_kind(dice: &mut Random) -> &'static str {
    let mut roll = dice.below(WEIGHTS.iter().map(|(_, weight)| weight).sum());
    for (kind, weight) in WEIGHTS {
        match roll.checked_sub(*weight) {
            Some(left) => roll = left,
            None => return kind,
        }
    }
    "build"
}

/// Both directories of `o` before an operation on it.
pub struct Sides {
    workspace: Picture,
    directory: Picture,
    /// What it is to be afterwards.
    after: Picture,
}

impl Operation {
    /// One of this kind, made ready: what it takes is there.
    pub fn ready(
        kind: &str,
        world: &mut World,
        dice: &mut Random,
    ) -> Result<(Operation, Option<Sides>), String> {
        let forks: Vec<String> =
            world.still.keys().filter(|name| name.starts_with("fork-")).cloned().collect();
        let ingested: Vec<String> =
            world.still.keys().filter(|name| name.starts_with("in-")).cloned().collect();
        let snapshots: Vec<String> = world.snapshots.keys().cloned().collect();
        let operation = match kind {
            // Many forks would make everything slow, and what is slow is tried less often.
            "fork" if forks.len() < 3 => Operation::Fork(world.name("fork")),
            "fork" | "drop" if !forks.is_empty() => Operation::Drop(dice.pick(&forks).clone()),
            "fork" | "drop" => Operation::Fork(world.name("fork")),
            "snapshot" => Operation::Snapshot(world.name("named")),
            "gc" => Operation::Gc(dice.below(2) as u64),
            "compact" => Operation::Compact(dice.chance(400)),
            "export" => Operation::Export(world.name("exported")),
            "reset" => Operation::Reset(dice.pick(&snapshots).clone()),
            "again" if !ingested.is_empty() => Operation::IngestAgain(dice.pick(&ingested).clone()),
            "ingest" | "again" if ingested.len() < 3 => Operation::Ingest(world.name("in")),
            "ingest" => Operation::Drop(dice.pick(&ingested).clone()),
            "sync" => return Ok((Operation::Sync, Some(change_sides(world, true)?))),
            "apply" => return Ok((Operation::Apply, Some(change_sides(world, false)?))),
            _ => Operation::Build(world.some_outputs(dice), world.next_round()),
        };
        if let Operation::IngestAgain(name) = &operation {
            let content = format!("as of {name} {}\n", dice.below(1_000_000)).repeat(40);
            fs::write(world.path(&format!("extra/file-{}", dice.below(12))), content)
                .map_err(text)?;
        }
        Ok((operation, None))
    }

    /// The words of the command.
    pub fn words(&self, world: &World) -> Vec<String> {
        let extra = world.path("extra").display().to_string();
        let words: Vec<&str> = match self {
            Operation::Build(removed, round) => {
                let script = format!(
                    "rm -f .t-* st?????? gen/.t-* {}; echo removed >> \"$LOG\"; \
                     echo '{}' > .t-round.h && mv .t-round.h round.h && echo round.h {round} >> \"$LOG\" && \
                     exec make -k -j2 ROUND={round}",
                    removed.join(" "),
                    round_header(*round)
                );
                let words = ["run", "-w", "w", "--", "sh", "-c"].map(str::to_owned);
                return words.into_iter().chain([script]).collect();
            }
            Operation::Snapshot(name) => vec!["snapshot", "w", name],
            Operation::Fork(name) => vec!["fork", "w", name],
            Operation::Drop(name) => vec!["drop", name],
            Operation::Gc(seconds) => {
                return ["gc".into(), "--grace".into(), format!("{seconds}s")].into();
            }
            Operation::Compact(false) => vec!["compact", "w"],
            Operation::Compact(true) => vec!["compact", "--forget", "w"],
            Operation::Export(name) => {
                let to = world.path(name).display().to_string();
                return ["export".into(), "--force".into(), "w".into(), to].into();
            }
            Operation::Reset(name) => {
                return ["reset".into(), "w".into(), format!("w@{name}")].into();
            }
            Operation::Ingest(name) | Operation::IngestAgain(name) => {
                vec!["ingest", &extra, "--name", name]
            }
            Operation::Sync => vec!["sync", "o"],
            Operation::Apply => vec!["apply", "o"],
        };
        words.into_iter().map(str::to_owned).collect()
    }

    /// The workspace that it works on; a word that is none, if on no single one.
    pub fn target(&self) -> &str {
        match self {
            Operation::Build(..) | Operation::Reset(_) => "w",
            Operation::Fork(name)
            | Operation::Drop(name)
            | Operation::Ingest(name)
            | Operation::IngestAgain(name) => name,
            Operation::Sync | Operation::Apply => "o",
            _ => "-",
        }
    }

    /// The workspace whose lock it takes.
    pub fn locks(&self) -> &str {
        match self.target() {
            "o" => "o",
            name if matches!(self, Operation::IngestAgain(_) | Operation::Drop(_)) => name,
            _ => "w",
        }
    }

    /// Where it is started: builds where programs see the tree.
    pub fn directory(&self) -> &'static str {
        if matches!(self, Operation::Build(..)) { "project" } else { "." }
    }

    /// What there is afterwards is right, and is what the world has from now on. `done`: it has ended well.
    pub fn judge(
        &self,
        world: &mut World,
        sides: Option<&Sides>,
        done: bool,
    ) -> Result<(), String> {
        match self {
            Operation::Build(removed, round) => {
                let found = world.check_build(removed, *round, done)?;
                world.present.insert("w".into(), found);
                Ok(())
            }
            Operation::Snapshot(name) => world.judge_snapshot(name, done),
            Operation::Fork(name) => {
                let wanted = world.present.get("w").cloned().unwrap_or_default();
                world.judge_new(name, &wanted, done, true)
            }
            Operation::Ingest(name) => {
                let wanted = of_directory(&world.path("extra")).map_err(text)?;
                world.judge_new(name, &wanted, done, true)
            }
            Operation::IngestAgain(name) => {
                let wanted = of_directory(&world.path("extra")).map_err(text)?;
                world.judge_new(name, &wanted, done, false)
            }
            Operation::Drop(name) => {
                let there = world.names()?.contains(name);
                if there && done {
                    return Err(format!("{name} was dropped, and is there"));
                }
                if there {
                    let found = of_workspace(&world.open(name)?)?;
                    let wanted = world.still.get(name).cloned().unwrap_or_default();
                    return differs(&found, &wanted).map_or(Ok(()), Err);
                }
                world.still.remove(name);
                Ok(())
            }
            Operation::Gc(_) | Operation::Compact(_) => Ok(()),
            Operation::Export(name) => {
                let wanted = world.present.get("w").cloned().unwrap_or_default();
                let at = world.path(name);
                if done {
                    let mut found = of_directory(&at).map_err(text)?;
                    // What a killed one was writing.
                    found.retain(|path, _| !path.contains(".vrift-export-"));
                    fs::remove_dir_all(at).map_err(text)?;
                    return differs(&found, &wanted).map_or(Ok(()), Err);
                }
                Ok(())
            }
            Operation::Reset(name) => {
                let found = of_workspace(&world.open("w")?)?;
                let after = world.snapshots.get(name).cloned().unwrap_or_default();
                let before = world.present.get("w").cloned().unwrap_or_default();
                if let Some(why) = differs(&found, &after)
                    && (done || found != before)
                {
                    return Err(format!("reset: {why}"));
                }
                world.present.insert("w".into(), found);
                Ok(())
            }
            Operation::Sync | Operation::Apply => {
                let Some(sides) = sides else { return Ok(()) };
                world.judge_sides(matches!(self, Operation::Sync), sides, done)
            }
        }
    }

    /// Does it once more, to its end, and looks whether it is done.
    pub fn again(&self, world: &mut World, sides: Option<&Sides>) -> Result<(), String> {
        let there = world.names()?;
        // A build once more is another one, so that it has something to do.
        let anew = match self {
            Operation::Build(removed, _) => Operation::Build(removed.clone(), world.next_round()),
            other => other.clone(),
        };
        let words = match &anew {
            // What is there is there.
            Operation::Fork(name) | Operation::Ingest(name) if there.contains(name) => {
                return Ok(());
            }
            Operation::Drop(name) if !there.contains(name) => return Ok(()),
            Operation::Snapshot(name) if world.snapshots.contains_key(name) => return Ok(()),
            _ => anew.words(world),
        };
        fs::write(world.path("log"), "").map_err(text)?;
        let said = run(&world.sandbox, &world.path(anew.directory()), &words)?;
        if said.code != Some(0) {
            return Err(format!("exit code {:?}: {}", said.code, said.text));
        }
        anew.judge(world, sides, true)
    }
}

/// A few files of both sides of `o` change, each side its own.
fn change_sides(world: &mut World, sync: bool) -> Result<Sides, String> {
    let number = world.made;
    world.made += 1;
    let script = format!(
        "for i in {0} {1} {2}; do for j in 1 2 3 4 5 6; do echo ours in round {number}; done > ours-$i; done",
        number % 12,
        (number + 5) % 12,
        (number + 7) % 12
    );
    let at = world.path("linked");
    crate::said::ok(&world.sandbox, &at, &["run", "-w", "o", "--", "sh", "-ec", &script])?;
    for file in [number % 12, (number + 3) % 12] {
        let content = format!("theirs in round {number}\n").repeat(20);
        fs::write(at.join(format!("theirs-{file}")), content).map_err(text)?;
    }
    std::thread::sleep(std::time::Duration::from_millis(40));
    let workspace = of_workspace(&world.open("o")?)?;
    let directory = of_directory(&at).map_err(text)?;
    // After a sync the workspace has what the directory has of theirs; after an apply the directory what is ours.
    let (mut after, from, prefix) = match sync {
        true => (workspace.clone(), &directory, "theirs"),
        false => (directory.clone(), &workspace, "ours"),
    };
    let new = from.iter().filter(|(path, _)| path.starts_with(prefix));
    after.extend(new.map(|(path, entry)| (path.clone(), entry.clone())));
    Ok(Sides { workspace, directory, after })
}

/// Names of what a killed rule was writing, and of the files that `ar` writes first.
fn is_left_over(name: &str) -> bool {
    let of_ar = name.len() == 8 && name.starts_with("st");
    name.starts_with(".t-") || of_ar
}

impl World {
    /// Some of what was built, to be removed.
    fn some_outputs(&self, dice: &mut Random) -> Vec<String> {
        let share = [0, 300, 700, 1000][dice.below(4)];
        self.outputs.keys().filter(|_| dice.chance(share)).cloned().collect()
    }

    /// What is in `w` after a build: each output is that of this round or the one before, and that of this round if it was told
    /// to be finished.
    pub fn check_build(
        &self,
        removed: &[String],
        round: u64,
        done: bool,
    ) -> Result<Picture, String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let told = |path: &String| log.lines().any(|line| line == format!("{path} {round}"));
        let workspace = self.open("w")?;
        let found = of_workspace(&workspace)?;
        let before = self.present.get("w").cloned().unwrap_or_default();
        for (path, entry) in &found {
            let last = path.rsplit('/').next().unwrap_or(path);
            if let Some(wanted) = self.outputs.get(path) {
                let (content, rounds) = self.shown(&workspace, path, &entry.content)?;
                if content != *wanted {
                    return Err(format!("{path} is {content} instead of {wanted}"));
                }
                let now = rounds.is_empty() || rounds == [round].into();
                let unchanged = || before.get(path).is_some_and(|was| was.content == entry.content);
                if !now && (done || told(path) || !unchanged()) {
                    return Err(format!("{path} shows {rounds:?} after a build of {round}"));
                }
            } else if self.sources.get(path) != Some(entry) && !is_left_over(last) && path != "gen"
            {
                return Err(format!("{path} is {entry:?}"));
            }
        }
        let missing = |path: &&String| !found.contains_key(*path);
        if let Some(path) = self.sources.keys().find(|path| self.is_source(path) && missing(path)) {
            return Err(format!("the source {path} is lost"));
        }
        if let Some(path) = self.outputs.keys().find(|path| {
            let was = before.contains_key(*path) && !removed.contains(path);
            (was || done || told(path)) && missing(path)
        }) {
            return Err(format!("{path} was finished, and is lost"));
        }
        Ok(found)
    }

    fn judge_snapshot(&mut self, name: &str, done: bool) -> Result<(), String> {
        let workspace = self.open("w")?;
        match workspace.resolve(&Moment::Snapshot(name.into())) {
            Ok(seq) => {
                let found = of_tree(&workspace.view(seq).map_err(text)?)?;
                let wanted = self.present.get("w").cloned().unwrap_or_default();
                if let Some(why) = differs(&found, &wanted) {
                    return Err(format!("the snapshot {name}: {why}"));
                }
                self.snapshots.insert(name.into(), found);
                Ok(())
            }
            Err(error) if done => Err(format!("the snapshot {name} was made: {error}")),
            Err(_) => Ok(()),
        }
    }

    /// A workspace that is there whole, or, if `new`, not at all; otherwise as it was before.
    fn judge_new(
        &mut self,
        name: &str,
        wanted: &Picture,
        done: bool,
        new: bool,
    ) -> Result<(), String> {
        if !self.names()?.iter().any(|there| there == name) {
            return if done || !new {
                Err(format!("{name} was made, and is not there"))
            } else {
                Ok(())
            };
        }
        let found = of_workspace(&self.open(name)?)?;
        let as_before = !new && !done && self.still.get(name) == Some(&found);
        if let Some(why) = differs(&found, wanted)
            && !as_before
        {
            return Err(format!("{name}: {why}"));
        }
        self.still.insert(name.into(), found);
        Ok(())
    }

    fn judge_sides(&mut self, sync: bool, sides: &Sides, done: bool) -> Result<(), String> {
        let workspace = of_workspace(&self.open("o")?)?;
        let mut directory = of_directory(&self.path("linked")).map_err(text)?;
        if !done {
            // What a killed one leaves, the next one removes.
            directory.retain(|path, _| !path.starts_with(".vrift-apply-"));
        }
        let (worked_on, before, other, other_before) = match sync {
            true => (&workspace, &sides.workspace, &directory, &sides.directory),
            false => (&directory, &sides.directory, &workspace, &sides.workspace),
        };
        if let Some(why) = differs(other, other_before) {
            return Err(format!("the side that is only read: {why}"));
        }
        if done {
            if let Some(why) = differs(worked_on, &sides.after) {
                return Err(format!("in the end: {why}"));
            }
        } else if sync {
            // One step of the history: all or nothing.
            if let (Some(_), Some(why)) =
                (differs(worked_on, before), differs(worked_on, &sides.after))
            {
                return Err(format!("neither as before nor as after: {why}"));
            }
        } else {
            let (found, before, after) =
                (timeless(worked_on), timeless(before), timeless(&sides.after));
            let mut paths = found.keys().chain(before.keys());
            let wrong = paths.find(|path| {
                found.get(*path) != before.get(*path) && found.get(*path) != after.get(*path)
            });
            if let Some(path) = wrong {
                return Err(format!(
                    "{path} is neither as before nor as after: {:?}",
                    found.get(path)
                ));
            }
        }
        self.present.insert("o".into(), workspace);
        Ok(())
    }
}
