//! Building whole programs: the processor time of `make -j2` on disk and in a mount, in fresh copies each time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::probe::{Probe, said};
use super::sides::succeed;
use super::{Options, quarters, shown, verdict};

/// A program to be built.
struct Program {
    name: &'static str,
    /// The Debian source package.
    package: &'static str,
    /// Done once, natively, before all.
    prepare: &'static str,
    /// What is measured.
    make: &'static [&'static str],
    /// What is there afterwards, and must be the same on both sides.
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

/// What the command may use of processor time, beside native.
const GOAL: f64 = 1.03;

/// Measures all; a table.
pub fn run(probe: &Probe, room: &Path, options: &Options) -> io::Result<()> {
    println!("\n## Whole builds\n");
    println!(
        "Processor time of `make -j2` and all its children under `vrift run`, {} rounds; each in a fresh copy, ours in a \
         fresh store.\n",
        options.pairs
    );
    println!(
        "| program | native | ours | ratio | noise | goal | | results |\n|---|---|---|---|---|---|---|---|"
    );
    for program in PROGRAMS {
        println!("{}", row(program, probe, room, options)?);
    }
    Ok(())
}

fn row(program: &Program, probe: &Probe, room: &Path, options: &Options) -> io::Result<String> {
    let source = prepared(program, options)?;
    let (mut native, mut ours, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let mut same = true;
    for round in 0..options.pairs {
        let (result, time) = on_disk(program, probe, room, &source, round * 2)?;
        native.push(time);
        let (theirs, time) = in_mount(program, probe, room, &source, round, options)?;
        ours.push(time);
        same &= result == theirs;
        again.push(on_disk(program, probe, room, &source, round * 2 + 1)?.1);
    }
    let by_native = |values: &[f64]| {
        quarters(values.iter().zip(&native).map(|(value, native)| value / native).collect())
    };
    let (ratio, noise) = (by_native(&ours), by_native(&again));
    let seconds = |values: Vec<f64>| quarters(values).1 / 1e6;
    Ok(format!(
        "| {} | {:.2} s | {:.2} s | {} | {} | <= {GOAL} | {} | {} |",
        program.name,
        seconds(native),
        seconds(ours),
        shown(ratio),
        shown(noise),
        verdict(Some(ratio.1 <= GOAL)),
        if same { "the same bytes" } else { "**other bytes**" }
    ))
}

/// Builds natively; the bytes of the result, and the microseconds that it took. The directory of one round has a path
/// as long as that of any other, and of the mount.
fn on_disk(
    program: &Program,
    probe: &Probe,
    room: &Path,
    source: &Path,
    round: u32,
) -> io::Result<(Vec<u8>, f64)> {
    let directory = room.join(format!("build-{}-{round:04}-n", program.name));
    copy(source, &directory)?;
    let mut command = Command::new(probe.path());
    command.args(["processor", "/", "0", "1"]).args(program.make).current_dir(&directory);
    let time = said(command.stderr_to_null())?;
    Ok((fs::read(directory.join(program.result))?, time))
}

fn in_mount(
    program: &Program,
    probe: &Probe,
    room: &Path,
    source: &Path,
    round: u32,
    options: &Options,
) -> io::Result<(Vec<u8>, f64)> {
    let directory = room.join(format!("build-{}-{round:04}-o", program.name));
    let store = room.join(format!("store-{round:04}-{}", program.name));
    copy(source, &directory)?;
    let vrift = || {
        let mut command = Command::new(&options.vrift);
        command.env("VRIFT_HOME", &store).current_dir("/");
        command
    };
    succeed(vrift().arg("ingest").arg(&directory).args(["--name", "build"]))?;
    // Nothing is left for a call that misses the library.
    fs::rename(&directory, room.join(format!("away-{round:04}-{}", program.name)))?;
    let mut command = Command::new(probe.path());
    command
        .args(["processor", "/", "0", "1"])
        .arg(&options.vrift)
        .args(["run", "-w", "build", "--"]);
    command.args(program.make).env("VRIFT_HOME", &store).current_dir("/");
    let time = said(command.stderr_to_null())?;
    let result = vrift().arg("cat").arg(format!("build:{}", program.result)).output()?;
    Ok((result.stdout, time))
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

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    succeed(Command::new("cp").arg("-a").arg(from).arg(to))?;
    succeed(Command::new("sync").arg("-f").arg(to))
}

trait Quiet {
    fn stderr_to_null(&mut self) -> &mut Command;
}

impl Quiet for Command {
    fn stderr_to_null(&mut self) -> &mut Command {
        self.stderr(std::process::Stdio::null())
    }
}
