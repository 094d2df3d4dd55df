//! Building whole programs: the processor time of `make -j2` on disk, in a mount, and under a compiler cache that has nothing
//! yet, in fresh copies each time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Options;
use crate::measure::{Series, in_turn};
use crate::primitives::probe::{Probe, said};
use crate::shell::succeed;
use crate::table::{Goal, Row, Table, Unit};

/// A program to be built.
struct Program {
    name: &'static str,
    /// The Debian source package.
    package: &'static str,
    /// Done once, natively, before all.
    prepare: &'static str,
    /// What is measured.
    make: &'static [&'static str],
    /// What is there afterwards, and must be the same on all sides.
    result: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "lua",
        package: "lua5.4",
        prepare: "true",
        make: &["make", "-j2", "linux"],
        result: "src/lua",
    },
    Program {
        name: "zlib",
        package: "zlib",
        prepare: "./configure",
        make: &["make", "-j2"],
        result: "libz.so",
    },
];

const SIDES: [&str; 4] = ["native", "again", "ours", "ccache, cold"];

/// Programs by the names of compilers that go through the cache.
const CCACHE: &str = "/usr/lib/ccache";

/// What the command may use of processor time, beside native.
const GOAL: Goal = Goal::Ratio(1.03);

/// Builds of one run.
struct Builds<'a> {
    probe: Probe,
    room: &'a Path,
    options: &'a Options,
}

/// Measures all.
pub fn measure(room: &Path, options: &Options) -> io::Result<Table> {
    let mut table = Table::new("builds", "Whole builds", &SIDES);
    let rounds = options.rounds(15, 1);
    table.text = format!(
        "Processor time of `make -j2` and all its children, rounds: {rounds}; each in a fresh copy, ours under `vrift run` in a \
         fresh store with the real files away. What is built has to be the same bytes on all sides."
    );
    let cache = Path::new(CCACHE).join("gcc").exists();
    if !cache {
        table.skipped.push(format!("ccache: there is no {CCACHE}/gcc on this machine"));
    }
    let builds = Builds { probe: Probe::compile(room)?, room, options };
    for program in PROGRAMS {
        eprintln!("  {}", program.name);
        let source = match prepared(program, options) {
            Ok(source) => source,
            Err(error) => {
                table.skipped.push(format!("{}: its source cannot be had: {error}", program.name));
                continue;
            }
        };
        let mut expected = None;
        let sides = if cache { SIDES.len() } else { SIDES.len() - 1 };
        let measured = in_turn(rounds, sides, |side, round| {
            let number = round * SIDES.len() as u32 + side as u32;
            let (result, time) = builds.once(program, side, &source, number)?;
            match expected.get_or_insert_with(|| result.clone()) == &result {
                true => Ok(time * 1e3),
                false => Err(io::Error::other("other bytes were built")),
            }
        });
        let mut series: Vec<Option<Series>> = measured.into_iter().map(Some).collect();
        series.resize(SIDES.len(), None);
        let row = Row::new(program.name, &program.make.join(" "), Unit::Time);
        table.rows.push(Row { goal: GOAL, series, ..row });
    }
    Ok(table)
}

impl Builds<'_> {
    fn once(
        &self,
        program: &Program,
        side: usize,
        source: &Path,
        number: u32,
    ) -> io::Result<(Vec<u8>, f64)> {
        // As long a path each time, and on each side.
        let directory = self.room.join(format!("build-{}-{number:04}", program.name));
        succeed(Command::new("cp").arg("-a").arg(source).arg(&directory))?;
        succeed(Command::new("sync").arg("-f").arg(&directory))?;
        if side == 2 {
            self.in_mount(program, &directory)
        } else {
            self.on_disk(program, side, &directory)
        }
    }

    /// Builds natively; the bytes of the result, and the microseconds that it took.
    fn on_disk(
        &self,
        program: &Program,
        side: usize,
        directory: &Path,
    ) -> io::Result<(Vec<u8>, f64)> {
        let mut command = self.measured();
        command.args(program.make).current_dir(directory).env("CCACHE_DISABLE", "1");
        if side == 3 {
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{CCACHE}:{path}")).env_remove("CCACHE_DISABLE");
            command.env("CCACHE_DIR", directory.with_extension("cache"));
        }
        let time = said(&mut command)?;
        Ok((fs::read(directory.join(program.result))?, time))
    }

    fn in_mount(&self, program: &Program, directory: &Path) -> io::Result<(Vec<u8>, f64)> {
        let store = directory.with_extension("store");
        let vrift = || {
            let mut command = Command::new(&self.options.vrift);
            command.env("VRIFT_HOME", &store).current_dir("/");
            command
        };
        succeed(vrift().arg("ingest").arg(directory).args(["--name", "build"]))?;
        // Nothing is left for a call that misses the library.
        fs::rename(directory, directory.with_extension("away"))?;
        let mut command = self.measured();
        command.arg(&self.options.vrift).args(["run", "-w", "build", "--"]).args(program.make);
        command.env("VRIFT_HOME", &store).env("CCACHE_DISABLE", "1").current_dir("/");
        let time = said(&mut command)?;
        let result = vrift().arg("cat").arg(format!("build:{}", program.result)).output()?;
        Ok((result.stdout, time))
    }

    fn measured(&self) -> Command {
        let mut command = Command::new(self.probe.path());
        command.args(["processor", "/", "0", "1"]);
        command
    }
}

/// The sources, ready to be built: fetched once, and kept.
fn prepared(program: &Program, options: &Options) -> io::Result<PathBuf> {
    let ready = options.sources.join(format!("{}-ready", program.package));
    if ready.exists() {
        return Ok(ready);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/debian-source");
    let preparing = options.sources.join(program.package);
    succeed(Command::new(script).arg(program.package).arg(&preparing))?;
    succeed(Command::new("sh").arg("-c").arg(program.prepare).current_dir(&preparing))?;
    fs::rename(preparing, &ready)?;
    Ok(ready)
}
