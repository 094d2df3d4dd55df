//! The cases of the preloaded library, as data. What each does is in `benches/probe/probe.c`, under the same name.

/// What is done in one process natively and in the mount.
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
    /// It starts `true`.
    StartsTrue,
    /// It starts a process that asks for one file of the tree.
    StartsStat,
}

/// What ours must reach.
#[derive(Clone, Copy)]
pub enum Goal {
    /// Times the native time at most.
    Ratio(f64),
    /// So many units more than native at most.
    More(f64),
    /// No more calls of the kernel than native.
    Calls,
    /// It is only looked at.
    None,
}

const fn case(name: &'static str, what: &'static str, count: u32, goal: Goal) -> Case {
    Case { name, what, count, way: Way::InProcess, goal }
}

use Goal::{Calls, More, Ratio};

/// All of them.
pub const ALL: &[Case] = &[
    // Before anything is removed: ext4 looks at inodes that were freed a moment ago whenever one is made near by.
    case("create", "create + write 64 KiB + close, sealed", 200, Ratio(2.0)),
    case("create-small", "create + write 4 KiB + close, sealed", 200, Goal::None),
    case("overwrite", "open(O_TRUNC) + write 4 KiB + close, sealed", 200, Goal::None),
    case("stat-hot", "stat of 100 files in turn", 100_000, Ratio(0.1)),
    case("stat-random", "stat of 100,000 files at random", 200_000, Ratio(1.0 / 3.0)),
    case("stat-missing", "stat of what is not there", 100_000, Ratio(0.1)),
    case("open-missing", "open of what is not there", 100_000, Ratio(0.1)),
    case("open-read", "open + fstat + read 4 KiB + close", 20_000, Ratio(1.1)),
    case("stat-outside", "stat of a path outside", 100_000, Ratio(1.02)),
    case("open-outside", "open + read 4 KiB + close outside", 40_000, Ratio(1.02)),
    case("read", "read of 16 bytes", 100_000, Calls),
    case("pread", "pread of 16 bytes", 100_000, Calls),
    case("readdir", "opendir + readdir of 1,000 + closedir", 200, Ratio(0.5)),
    case("rename", "rename of a clean file", 2_000, Ratio(1.0 / 3.0)),
    case("unlink", "unlink of a clean file", 200, Ratio(1.0 / 3.0)),
    case("mkdir", "mkdir", 200, Ratio(1.0 / 3.0)),
    case("utimensat", "utimensat of a clean file", 5_000, Ratio(1.0)),
    Case {
        name: "spawn",
        what: "posix_spawn + wait of `true`",
        count: 200,
        way: Way::StartsTrue,
        goal: Ratio(1.15),
    },
    Case {
        name: "spawn-stat",
        what: "the same of a program that asks for one file of the tree",
        count: 200,
        way: Way::StartsStat,
        goal: Goal::None,
    },
    case("memory", "private memory after all kinds of use, KiB", 1, More(512.0)),
];

/// The name of the case that builds whole programs.
pub const BUILD: &str = "build";
