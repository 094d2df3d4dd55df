//! Row `kills`: kill -9 of any process at any time during builds, ingest, snapshot, fork, gc, compact, export, reset, sync
//! and apply.
//!
//! A seed is a store of its own, in which a dozen operations are killed one after the other: which, whom and when, says the
//! seed, as far as it can: what the world has by then depends on what was hit. After each: nobody hangs, the store is whole, what
//! was acknowledged is there, what was finished has native's bytes, and those of this build and of none before, other workspaces are
//! as they were; and done again, it comes to its end.

mod controls;
mod operations;
mod strike;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use vrift_tests::random::Random;

use crate::options::Options;
use crate::processes::inherit_orphans;
use crate::project::{self, Outputs};
use crate::said::vrift;
use crate::tally::Tally;
use crate::watch::{start, watched};
use operations::{Operation, kinds, some_kind};
pub use strike::LockWord;
use strike::{Struck, When, Whom, strike};
use world::World;

const ROW: &str = "kills";

/// Operations of a seed.
const STEPS: u64 = 12;

/// After so many seeds there have to be owners of the lock and children of vfork among those who were killed: of each there is
/// about one in a seed, and none at all if they are looked for in the wrong place.
const MANY: u64 = 20;

/// What happened, for the figures.
#[derive(Default)]
struct Figures {
    /// How long each kind takes when nobody kills it.
    lasts: BTreeMap<&'static str, Duration>,
    /// Kills, by kind.
    kills: BTreeMap<&'static str, u64>,
    /// By the names of those who were killed.
    names: BTreeMap<String, u64>,
    owners: u64,
    marked: u64,
    vforked: u64,
}

impl Figures {
    fn count(&mut self, kind: &'static str, struck: &Struck) {
        *self.kills.entry(kind).or_default() += struck.killed;
        for name in &struck.names {
            *self.names.entry(name.clone()).or_default() += 1;
        }
        self.owners += struck.owners;
        self.marked += u64::from(struck.marked);
        self.vforked += struck.vforked;
    }

    fn say(&self) {
        let told = |map: &BTreeMap<String, u64>| {
            let mut all: Vec<_> = map.iter().collect();
            all.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
            let words = all.iter().take(14).map(|(name, number)| format!("{name} {number}"));
            words.collect::<Vec<_>>().join(", ")
        };
        let kinds = self.kills.iter().map(|(kind, number)| ((*kind).to_owned(), *number)).collect();
        println!("kills during: {}", told(&kinds));
        println!("killed were: {}", told(&self.names));
        println!(
            "with the workspace's lock: {}; the lock was still marked afterwards: {}; children of vfork: {}",
            self.owners, self.marked, self.vforked
        );
    }
}

/// Kills until the time is over.
pub fn row(options: &Options) -> bool {
    inherit_orphans();
    start();
    let mut tally = Tally::new(ROW);
    let Some(outputs) = project::native() else { return false };
    let (mut figures, mut seeds) = (Figures::default(), 0);
    calibrate(options.seed, &outputs, &mut figures, &mut tally);
    for seed in options.seeds() {
        tally.begin(seed);
        one(seed, &outputs, &mut figures, &mut tally);
        seeds += 1;
        if tally.violations > 4 {
            break;
        }
    }
    figures.say();
    if seeds >= MANY && (figures.owners == 0 || figures.vforked == 0) {
        tally.violated(options.seed, "no owner of the lock, or no child of vfork, was found", None);
    }
    if let Err(why) = controls::bite(&outputs) {
        tally.violated(options.seed, &format!("the control: {why}"), None);
    }
    tally.say()
}

/// Each once without a kill, in a world of its own: how long it takes, and that it is right then.
fn calibrate(seed: u64, outputs: &Outputs, figures: &mut Figures, tally: &mut Tally) {
    let mut world = match World::new(outputs) {
        Ok(world) => world,
        Err(why) => return tally.violated(seed, &format!("nobody was killed: {why}"), None),
    };
    for kind in kinds() {
        if let Err(why) = step(seed, kind, true, &mut world, &mut Random::new(0), figures) {
            let kept = world.sandbox.keep();
            return tally.violated(seed, &format!("{kind}, not killed: {why}"), Some(&kept));
        }
    }
}

/// One seed.
fn one(seed: u64, outputs: &Outputs, figures: &mut Figures, tally: &mut Tally) {
    let mut world = match World::new(outputs) {
        Ok(world) => world,
        Err(why) => return tally.violated(seed, &format!("nobody was killed: {why}"), None),
    };
    for number in 0..STEPS {
        // How often one is thrown while somebody is looked for, depends on the clock: each step has its own.
        let mut dice = Random::new(seed * STEPS + number);
        let kind = some_kind(&mut dice);
        match step(seed, kind, false, &mut world, &mut dice, figures) {
            Ok(killed) => tally.tested += killed,
            Err(why) => {
                let kept = world.sandbox.keep();
                return tally.violated(seed, &format!("step {number}, {why}"), Some(&kept));
            }
        }
    }
}

/// One operation: how many were killed.
fn step(
    seed: u64,
    kind: &'static str,
    spare: bool,
    world: &mut World,
    dice: &mut Random,
    figures: &mut Figures,
) -> Result<u64, String> {
    let (operation, sides) = Operation::ready(kind, world, dice)?;
    let lasts = figures.lasts.get(kind).copied().unwrap_or_default();
    let some_time = lasts.mul_f64(dice.below(1000) as f64 / 1000.0);
    let when = match dice.below(10) {
        _ if spare => When::Never,
        0 | 1 => When::LockHeld(lasts),
        2..=4 if kind == "build" => When::Vforked(lasts),
        _ => When::After(some_time),
    };
    let whom = match dice.below(10) {
        0..=5 => Whom::Any,
        6 | 7 => Whom::First,
        _ => Whom::All,
    };
    let first = dice.below(3);
    fs::write(world.path("log"), "").map_err(world::text)?;
    let words = operation.words(world);
    let mut command = vrift(&world.sandbox, &world.path(operation.directory()), &words);
    let word = LockWord::of(&world.control(operation.locks()));
    let place = format!("{operation:?}, {when:?}, {whom:?}");
    let struck = strike(&mut command, when, whom, &word, dice);
    let struck = struck.map_err(|why| format!("{place}: {why}"))?;
    let place = format!("{place}, killed {:?}", struck.names);
    figures.count(kind, &struck);
    let told = |why: String| format!("{place}: {why}");
    let said = crate::said::heard(&world.sandbox);
    if struck.killed == 0 {
        if struck.code != Some(0) {
            return Err(told(format!("failed by itself, exit code {:?}: {said}", struck.code)));
        }
        let known = figures.lasts.entry(kind).or_insert(struck.lasted);
        *known = (*known + struck.lasted) / 2;
    }
    let _ = fs::remove_dir_all(world.path("temporary"));
    let done = struck.code == Some(0);
    let kept = world.path(".");
    watched((ROW, seed), &place, &kept, || checks(&operation, sides.as_ref(), world, first, done))
        .map_err(told)?;
    Ok(struck.killed)
}

/// Everything that has to be true, beginning with one or another of three: whoever comes first repairs what the dead have left.
fn checks(
    operation: &Operation,
    sides: Option<&operations::Sides>,
    world: &mut World,
    first: usize,
    done: bool,
) -> Result<(), String> {
    for turn in 0..3 {
        match (first + turn) % 3 {
            0 => {
                operation.judge(world, sides, done)?;
                world.check(operation.target())?;
            }
            1 => world.fsck()?,
            _ => world.look()?,
        }
    }
    let again = operation.again(world, sides);
    again.map_err(|why| format!("done again: {why}"))?;
    world.check("-")?;
    world.fsck()
}
