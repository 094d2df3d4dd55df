//! The preloaded library beside the kernel: the same loops over libc's functions, on a tree that is on disk and in a mount.
//!
//! ```text
//! vrift-bench shim [--rounds N] [--pairs N] [--case NAME] [--clock processor] [--vrift PATH] [--room DIR]
//!                  [--sources DIR]
//! ```
//! `--clock processor` counts processor time instead of the wall's, for a machine that does other things at the same time.
//! Native, ours, native again, in every round: the second native run shows how much of a ratio is noise.

mod build;
mod cases;
mod probe;
mod sides;

use std::io;
use std::path::{Path, PathBuf};

use crate::arguments::Arguments;
use cases::{Case, Goal};
use probe::{Probe, Side};
use sides::Sides;

/// What the arguments say.
pub struct Options {
    /// The command.
    pub vrift: PathBuf,
    /// The library that is preloaded.
    pub library: PathBuf,
    /// Where to write.
    pub room: PathBuf,
    /// Rounds of each case.
    pub rounds: u32,
    /// Rounds of the case that builds programs.
    pub pairs: u32,
    /// The only case; none: all.
    pub case: Option<String>,
    /// `wall` or `processor`.
    pub clock: String,
    /// Where the sources of programs are kept between runs.
    pub sources: PathBuf,
}

/// Measures, and prints tables in Markdown.
pub fn run(arguments: &Arguments) -> io::Result<()> {
    let vrift = arguments.vrift()?;
    let library = vrift.with_file_name("libvrift_shim.so").canonicalize()?;
    let target = vrift.parent().and_then(Path::parent).unwrap_or(Path::new("target"));
    let options = Options {
        library,
        room: arguments.room(),
        rounds: arguments.number("--rounds", 15),
        pairs: arguments.number("--pairs", 15),
        case: arguments.value("--case"),
        clock: arguments.value("--clock").unwrap_or_else(|| "wall".to_owned()),
        sources: arguments.value("--sources").map_or(target.join("bench-sources"), PathBuf::from),
        vrift,
    };
    let room = tempfile::Builder::new().prefix("vrift-bench.").tempdir_in(&options.room)?;
    let wanted = |name: &str| options.case.as_ref().is_none_or(|only| only == name);
    let probe = Probe::compile(room.path())?;
    if cases::ALL.iter().any(|case| wanted(case.name)) {
        in_process(&probe, room.path(), &options, wanted)?;
    }
    if wanted(cases::BUILD) {
        build::run(&probe, room.path(), &options)?;
    }
    Ok(())
}

fn in_process(
    probe: &Probe,
    room: &Path,
    options: &Options,
    wanted: impl Fn(&str) -> bool,
) -> io::Result<()> {
    let most = cases::ALL.iter().filter(|case| case.name == "unlink").map(|case| case.count).max();
    let pool = options.rounds * 2 * most.unwrap_or(0) + 1_000;
    let sides = Sides::make(room, pool, options)?;
    println!("## One process\n");
    println!(
        "By the clock of the {}. Medians, quarter .. three quarters of {} rounds; *noise*: native again by native; *calls*: calls of the kernel \
         an operation, native and ours.\n",
        options.clock, options.rounds
    );
    println!(
        "| case | native | ours | ratio | noise | calls | goal | |\n|---|---|---|---|---|---|---|---|"
    );
    for case in cases::ALL.iter().filter(|case| wanted(case.name)) {
        match row(probe, case, &sides, room, options.rounds) {
            Ok(row) => println!("{row}"),
            Err(error) => println!("| {}: {} | **failed: {error}** |", case.name, case.what),
        }
    }
    println!("\nDrafts left: {}.", sides.drafts_left());
    Ok(())
}

/// Measures a case; a line of the table.
fn row(probe: &Probe, case: &Case, sides: &Sides, room: &Path, rounds: u32) -> io::Result<String> {
    let mut first = 0;
    let (mut native, mut ours, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let count = case.count;
    for _ in 0..rounds {
        native.push(probe.run(case, Side::Native, sides, first, count)?);
        ours.push(probe.run(case, Side::Ours, sides, first, count)?);
        again.push(probe.run(case, Side::Native, sides, first + count, count)?);
        first += 2 * count;
    }
    // A memory or a program that is started has no calls worth counting.
    let calls = match case.name {
        "memory" => None,
        _ => Some((
            probe.calls(case, Side::Native, sides, first, room)?,
            probe.calls(case, Side::Ours, sides, first, room)?,
        )),
    };
    let by_native = |values: &[f64]| -> Quarters {
        quarters(values.iter().zip(&native).map(|(value, native)| value / native).collect())
    };
    let (ratio, noise) = (by_native(&ours), by_native(&again));
    let (native, ours) = (quarters(native).1, quarters(ours).1);
    let (goal, reached) = match case.goal {
        Goal::Ratio(most) => (format!("<= {most:.2}"), Some(ratio.1 <= most)),
        Goal::More(most) => (format!("<= {most:.0} more"), Some(ours - native <= most)),
        Goal::Calls => {
            ("no call more".to_owned(), calls.map(|(native, ours)| ours <= native + 0.1))
        }
        Goal::None => (String::new(), None),
    };
    let calls = calls.map_or(String::new(), |(native, ours)| format!("{native:.1}, {ours:.1}"));
    Ok(format!(
        "| {}: {} | {} | {} | {} | {} | {calls} | {goal} | {} |",
        case.name,
        case.what,
        unit(native, case),
        unit(ours, case),
        shown(ratio),
        shown(noise),
        verdict(reached)
    ))
}

fn verdict(reached: Option<bool>) -> &'static str {
    match reached {
        Some(true) => "reached",
        Some(false) => "**missed**",
        None => "",
    }
}

fn unit(value: f64, case: &Case) -> String {
    match value {
        _ if matches!(case.goal, Goal::More(_)) => format!("{value:.0} KiB"),
        small if small < 1_000.0 => format!("{small:.0} ns"),
        large => format!("{:.1} us", large / 1_000.0),
    }
}

/// A quarter of the values is less than the first, half than the second, three quarters than the third.
type Quarters = (f64, f64, f64);

fn quarters(mut values: Vec<f64>) -> Quarters {
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values.get(values.len() * part / 4).copied().unwrap_or(f64::NAN);
    (at(1), at(2), at(3))
}

fn shown((quarter, median, three): Quarters) -> String {
    format!("{median:.3} ({quarter:.3} .. {three:.3})")
}
