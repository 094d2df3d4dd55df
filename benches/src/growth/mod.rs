//! What grows with the tree, and what must not: one workspace of each size, the smallest twice.

mod crowd;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use vrift_manifest::workspace::Workspace;

use crate::measure::{Series, in_turn};
use crate::primitives::Primitives;
use crate::primitives::cases::Way;
use crate::primitives::probe::said;
use crate::primitives::sides::{Side, environment, handover, home};
use crate::shell::{is_there, succeed};
use crate::table::{Goal, Row, Table, Unit};
use crate::{Options, generate};

pub use crowd::measure as crowd;

/// The largest tree that is also made of real files, in the quick form and in the full one.
const REAL: [u32; 2] = [10_000, 1_000_000];
/// Files that are looked at in a run.
const LOOKED_AT: u32 = 200_000;

/// What is measured of a size.
#[derive(Clone, Copy)]
enum What {
    /// A case of the probe, of ours.
    Ours(&'static str),
    /// The same on real files.
    Native(&'static str),
    /// What a process says that opens the workspace: the number in that place.
    Open(usize),
    /// The command.
    Fork,
    /// How many calls of the kernel it makes.
    ForkCalls,
}

/// As near to 1 as what is measured in microseconds can be expected to come.
const CONSTANT: Goal = Goal::Ratio(1.25);

const ROWS: &[(&str, &str, What, Unit, Goal)] = &[
    ("stat", "by chance, of all files", What::Ours("stat-spread"), Unit::Time, Goal::Ratio(3.0)),
    (
        "stat, near",
        "one directory after the other",
        What::Ours("stat-near"),
        Unit::Time,
        Goal::Ratio(3.0),
    ),
    ("stat, native", "by chance", What::Native("stat-spread"), Unit::Time, Goal::None),
    (
        "stat, near, native",
        "one after the other",
        What::Native("stat-near"),
        Unit::Time,
        Goal::None,
    ),
    ("open", "the workspace, in a process", What::Open(0), Unit::Time, CONSTANT),
    ("open, memory", "that it takes of its own", What::Open(1), Unit::Memory, CONSTANT),
    (
        "memory",
        "of a process that has looked at files by chance",
        What::Ours("memory-spread"),
        Unit::Memory,
        Goal::None,
    ),
    ("fork", "the command, on the disk", What::Fork, Unit::Time, Goal::Most(10e6)),
    ("fork, calls", "of the kernel", What::ForkCalls, Unit::Count, Goal::Ratio(1.0)),
];

/// The trees of all sizes.
struct Trees<'a> {
    primitives: &'a Primitives,
    options: &'a Options,
    room: &'a Path,
    sizes: Vec<u32>,
    largest: u32,
}

/// Measures all.
pub fn measure(primitives: &Primitives, room: &Path, options: &Options) -> io::Result<Table> {
    let mut sizes = vec![10_000, 10_000, 100_000];
    sizes.extend((!options.quick).then_some(1_000_000));
    sizes.extend(options.huge.then_some(10_000_000));
    let names: Vec<String> =
        sizes.iter().map(|size| format!("{} files", thousands(*size))).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names[1] = "again";
    let mut table = Table::new("growth", "Growth of a tree", &names);
    table.judged = (2..sizes.len()).collect();
    let rounds = options.rounds(5, 2);
    let real = REAL[usize::from(!options.quick)];
    table.text = format!(
        "Each size beside that of {} files, rounds: {rounds}. Opening is what a process of ours does that has seen the \
         workspace before; native trees have at most {} files.",
        thousands(sizes[0]),
        thousands(real)
    );
    let trees = Trees { primitives, options, room, sizes, largest: real };
    trees.make()?;
    for &(case, what, how, unit, goal) in ROWS {
        eprintln!("  {case}");
        if matches!(how, What::ForkCalls) && !is_there("strace") {
            table.skipped.push(format!("{case}: `strace` is not on this machine"));
            continue;
        }
        let there = |side: &usize| !matches!(how, What::Native(_)) || trees.sizes[*side] <= real;
        let wanted: Vec<usize> = (0..trees.sizes.len()).filter(there).collect();
        let measured =
            in_turn(rounds, wanted.len(), |place, round| trees.once(how, wanted[place], round));
        let mut series: Vec<Option<Series>> = vec![None; trees.sizes.len()];
        for (side, measured) in wanted.into_iter().zip(measured) {
            series[side] = Some(measured);
        }
        table.rows.push(Row { goal, series, ..Row::new(case, what, unit) });
    }
    Ok(table)
}

impl Trees<'_> {
    fn store(&self) -> PathBuf {
        self.room.join("store")
    }

    /// The second side is the first one once more.
    fn name(&self, side: usize) -> String {
        format!("tree{}", self.sizes[side])
    }

    fn real(&self, side: usize) -> PathBuf {
        self.room.join("real").join(self.name(side))
    }

    fn make(&self) -> io::Result<()> {
        for (side, &size) in self.sizes.iter().enumerate().filter(|(side, _)| *side != 1) {
            generate::workspace(&self.store(), &self.name(side), size)?;
            if size <= self.largest {
                generate::real(&self.real(side), size)?;
            }
        }
        succeed(Command::new("sync").arg("-f").arg(self.room))
    }

    fn once(&self, what: What, side: usize, round: u32) -> io::Result<f64> {
        match what {
            What::Ours(case) => {
                let handover = handover(&self.store(), &self.name(side))?;
                let environment = environment(&handover, self.options);
                let root = handover.mount.clone();
                self.probe(case, &Side { environment, ..Side::plain("ours", root) })
            }
            What::Native(case) => self.probe(case, &Side::plain("native", self.real(side))),
            What::Open(place) => self.open(side, place),
            What::Fork => {
                succeed(Command::new("sync").arg("-f").arg(self.room))?;
                let mut fork = Command::new(&self.options.vrift);
                let begun = Instant::now();
                succeed(self.fork(&mut fork, side, &format!("t{side}-{round}")))?;
                Ok(begun.elapsed().as_secs_f64() * 1e9)
            }
            What::ForkCalls => {
                let output = self.room.join("strace");
                let mut traced = Command::new("strace");
                traced.args(["-f", "-o"]).arg(&output).arg(&self.options.vrift);
                succeed(self.fork(&mut traced, side, &format!("c{side}-{round}")))?;
                Ok(fs::read_to_string(&output)?.lines().count() as f64)
            }
        }
    }

    fn fork<'c>(&self, command: &'c mut Command, side: usize, new: &str) -> &'c mut Command {
        let name = self.name(side);
        command.args(["fork", &name, &format!("{name}-{new}")]).env("VRIFT_HOME", self.store())
    }

    fn probe(&self, case: &str, side: &Side) -> io::Result<f64> {
        // `FIRST` is the number of files.
        let root = side.root.to_string_lossy();
        let files: u32 = root.rsplit("tree").next().and_then(|size| size.parse().ok()).unwrap_or(0);
        let looked_at = if self.options.quick { LOOKED_AT / 10 } else { LOOKED_AT };
        let Primitives { probe, sides, .. } = self.primitives;
        said(&mut probe.command(case, Way::InProcess, side, sides, (files, looked_at)))
    }

    fn open(&self, side: usize, place: usize) -> io::Result<f64> {
        let mut command = Command::new(std::env::current_exe()?);
        let output = command.arg("--probe-open").arg(self.store()).arg(self.name(side)).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = text.split_whitespace().nth(place).and_then(|word| word.parse().ok());
        number.ok_or_else(|| io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

/// In a process of its own: how long opening a workspace takes the second time, and what memory of its own the first time: mapped pages of the image and the
/// live index are not, which all processes share with the kernel.
pub fn open_memory(store: &Path, name: &str) -> io::Result<()> {
    let home = home(store)?;
    let before = anonymous_kib()?;
    let first = Workspace::open(&home, name).map_err(io::Error::other)?;
    let memory = anonymous_kib()?.saturating_sub(before);
    drop(first);
    let begun = Instant::now();
    let workspace = Workspace::open(&home, name).map_err(io::Error::other)?;
    let root = workspace.tree().root();
    let children = workspace.tree().children(root).map_err(io::Error::other)?.count();
    let nanos = begun.elapsed().as_nanos();
    println!("{nanos} {memory} {children}");
    Ok(())
}

fn anonymous_kib() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = text.lines().find(|line| line.starts_with("Anonymous:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.ok_or_else(|| io::Error::other("the kernel does not say what memory is anonymous"))
}

fn thousands(number: u32) -> String {
    match number {
        small if small < 1_000_000 => format!("{} k", small / 1_000),
        large => format!("{} M", large / 1_000_000),
    }
}
