//! Many processes at once, each in the same tree: operations a second of all together.

use crate::Options;
use crate::measure::{Series, in_turn};
use crate::primitives::Primitives;
use crate::primitives::cases::Way;
use crate::primitives::probe::said;
use crate::table::{Row, Table, Unit};

const KINDS: [(&str, &str, &str); 3] = [
    ("crowd-reads", "reading", "stat of all files"),
    ("crowd-changes", "changing", "rename, utimensat and chmod of a file each"),
    ("crowd-both", "one half each", "some read, as many change"),
];

/// Measures all, with native and ours.
pub fn measure(primitives: &Primitives, options: &Options) -> Table {
    let mut table = Table::new("crowd", "Many processes", &["native", "again", "ours"]);
    let milliseconds = if options.quick { 100 } else { 500 };
    let rounds = options.rounds(5, 2);
    table.text = format!(
        "Processes that work in one tree at the same time, for {milliseconds} ms, rounds: {rounds}; each that changes \
         something has a directory of its own. Operations a second of all together; the ratio is that of the time of one."
    );
    let numbers: &[u32] = if options.quick { &[1, 8, 64] } else { &[1, 2, 4, 8, 16, 32, 64] };
    for (case, name, what) in KINDS {
        eprintln!("  {name}");
        // One cannot be in both halves.
        for &processes in numbers.iter().filter(|&&number| number > 1 || case != "crowd-both") {
            let Primitives { probe, sides, .. } = primitives;
            let series = in_turn(rounds, 3, |side, _| {
                let side = &sides.all[side];
                let numbers = (0, milliseconds);
                let mut command = probe.command(case, Way::InProcess, side, sides, numbers);
                said(command.env("PROBE_PROCESSES", processes.to_string()))
            });
            let series: Vec<Option<Series>> = series.into_iter().map(Some).collect();
            let row = Row::new(&format!("{processes} {name}"), what, Unit::Rate);
            table.rows.push(Row { series, ..row });
        }
    }
    table
}
