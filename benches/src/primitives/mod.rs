//! Single operations: the same loops over libc's functions, on a tree that is on disk, in a mount of ours, and where others
//! show it. Native, native again and ours first, in every round.

pub mod cases;
mod peers;
pub mod probe;
pub mod sides;

use std::io;
use std::path::{Path, PathBuf};

use crate::Options;
use crate::measure::{Series, in_turn};
use crate::shell::is_there;
use crate::table::{Row, Table};
use cases::{ALL, Case, Way};
use probe::Probe;
use sides::Sides;

/// How many of the operations are made to count calls of the kernel: of a short run and of a long one.
const COUNTED: u32 = 300;

/// The trees, and what works in them.
pub struct Primitives {
    /// The program.
    pub probe: Probe,
    /// The trees.
    pub sides: Sides,
    room: PathBuf,
    rounds: u32,
    quick: bool,
    skipped: Vec<String>,
}

impl Primitives {
    /// Makes the trees; those of others too, if they are wanted.
    pub fn make(room: &Path, options: &Options, others: bool) -> io::Result<Primitives> {
        let unlinked = ALL.iter().filter(|case| case.way == Way::Removes).map(|case| case.count);
        let rounds = options.rounds(9, 3);
        // Native and native again have one pool, and others that only pass on.
        let pool = unlinked.max().unwrap_or(0) * (rounds * 9 + 1) + 2 * COUNTED;
        let probe = Probe::compile(room)?;
        let mut sides = Sides::make(room, pool, options)?;
        let skipped = if others { peers::add(&mut sides, room, options.quick) } else { Vec::new() };
        let (room, quick) = (room.to_owned(), options.quick);
        Ok(Primitives { probe, sides, room, rounds, quick, skipped })
    }

    /// A table without cases.
    pub fn table(&self) -> Table {
        let names: Vec<&str> = self.sides.all.iter().map(|side| side.name).collect();
        let clock = &self.sides.clock;
        let text = format!(
            "By the clock of the {clock}; rounds: {}; a tree of {} files and some. *calls*: calls of the kernel an operation, native and ours. An overlay \
             copies a file up at its first change, so of rename, utimensat and overwrite it shows only what follows.",
            self.rounds,
            self.sides.directories * sides::EACH
        );
        let skipped = self.skipped.clone();
        Table { text, skipped, ..Table::new("primitives", "Single operations", &names) }
    }

    /// Measures those cases that remove files, or those that do not.
    pub fn measure(&self, mut table: Table, options: &Options, removing: bool) -> Table {
        let wanted = |case: &&Case| {
            (case.way == Way::Removes) == removing
                && options.case.as_ref().is_none_or(|only| only == case.name)
        };
        for case in ALL.iter().filter(wanted) {
            eprintln!("  {}", case.name);
            table.rows.push(self.row(case));
        }
        table
    }

    /// How many drafts are not contents of the store yet: more than a file or two would make `create` look quick.
    pub fn drafts_left(&self) -> usize {
        self.sides.drafts_left()
    }

    fn row(&self, case: &Case) -> Row {
        let all = &self.sides.all;
        let wanted: Vec<usize> =
            (0..all.len()).filter(|&side| all[side].outside || case.way != Way::Outside).collect();
        let parts = if self.quick { 10 } else { 1 };
        let measured = in_turn(self.rounds, wanted.len(), |place, round| {
            let side = &all[wanted[place]];
            // Names that nobody else uses up.
            let first = (round * all.len() as u32 + wanted[place] as u32) * case.count;
            let count = (case.count / parts / side.part).max(case.count.min(10));
            self.probe.run(case, side, &self.sides, first, count)
        });
        let mut series: Vec<Option<Series>> = vec![None; all.len()];
        for (side, measured) in wanted.into_iter().zip(measured) {
            series[side] = Some(measured);
        }
        let goal = case.goal;
        let mut row = Row { goal, series, ..Row::new(case.name, case.what, case.unit()) };
        // A memory has no calls worth counting, and in the quick form time is short.
        if case.name != "memory" && !self.quick && is_there("strace") {
            let first = self.rounds * all.len() as u32 * case.count;
            let calls = |side: usize, first| {
                self.probe.calls(case, &all[side], &self.sides, first, &self.room)
            };
            row.calls = calls(0, first).ok().zip(calls(2, first).ok());
        }
        row
    }
}
