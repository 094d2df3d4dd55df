//! The cases, as data. What each does is in `benches/probe`, under the same name.

use crate::table::Goal::{self, Calls, More, Ratio};
use crate::table::Unit;

/// What is done by one process in the tree of each side.
pub struct Case {
    /// Its name, here and in the probe.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// Operations a run.
    pub count: u32,
    /// How the run is made.
    pub way: Way,
    /// What ours must reach.
    pub goal: Goal,
}

/// How a run is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The probe itself works in the tree.
    InProcess,
    /// It works outside of it: not for sides that are nothing there.
    Outside,
    /// It removes files. A file system that makes one looks for minutes at those: only behind all that make some.
    Removes,
    /// It starts `true`.
    StartsTrue,
    /// It starts a process that asks for one file of the tree.
    StartsStat,
}

impl Case {
    /// What its values are.
    pub fn unit(&self) -> Unit {
        if self.name == "memory" { Unit::Memory } else { Unit::Time }
    }
}

const fn case(name: &'static str, what: &'static str, count: u32, goal: Goal) -> Case {
    special(name, what, count, goal, Way::InProcess)
}

const fn special(name: &'static str, what: &'static str, count: u32, goal: Goal, way: Way) -> Case {
    Case { name, what, count, way, goal }
}

const THIRD: Goal = Ratio(1.0 / 3.0);

/// All of them, in the order in which they are measured: what makes files comes first.
pub const ALL: &[Case] = &[
    case("create", "create + write 64 KiB + close, sealed", 200, Ratio(2.0)),
    case("create-small", "create + write 4 KiB + close, sealed", 200, Goal::None),
    case("create-empty", "create + close", 200, Goal::None),
    case("overwrite", "open(O_TRUNC) + write 4 KiB + close, sealed", 200, Goal::None),
    case("mkdir", "mkdir", 200, THIRD),
    case("stat-hot", "stat of 100 files in turn", 100_000, Ratio(0.1)),
    case("stat-random", "stat of all files at random", 200_000, THIRD),
    case("stat-missing", "stat of 100 names that are not there", 100_000, Ratio(0.1)),
    case("stat-missing-random", "stat of many such names at random", 200_000, Goal::None),
    case("open-missing", "open of what is not there", 100_000, Ratio(0.1)),
    case("open-close", "open + close", 20_000, Goal::None),
    case("open-read", "open + fstat + read 4 KiB + close", 20_000, Ratio(1.1)),
    special("stat-outside", "stat of a path outside", 100_000, Ratio(1.02), Way::Outside),
    special("open-outside", "open + read 4 KiB + close outside", 40_000, Ratio(1.02), Way::Outside),
    case("read", "read of 16 bytes", 100_000, Calls),
    case("pread", "pread of 16 bytes", 100_000, Calls),
    case("readdir", "opendir + readdir of 1,000 + closedir", 200, Ratio(0.5)),
    case("getcwd", "getcwd", 50_000, Goal::None),
    case("realpath", "realpath of a file", 10_000, Goal::None),
    case("rename", "rename of a clean file", 2_000, THIRD),
    case("utimensat", "utimensat of a clean file", 5_000, Ratio(1.0)),
    case("fork", "fork + wait", 200, Goal::None),
    special("spawn", "posix_spawn + exec + wait of `true`", 200, Ratio(1.15), Way::StartsTrue),
    special(
        "spawn-stat",
        "the same of a program that stats a file",
        200,
        Goal::None,
        Way::StartsStat,
    ),
    case("memory", "private memory after all kinds of use", 1, More(512.0)),
    special("unlink", "unlink of a clean file", 100, THIRD, Way::Removes),
];
