//! Running the probe.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cases::{Case, Way};
use super::sides::{Sides, succeed};

/// The probe's source.
const SOURCE: &str = include_str!("../../probe/probe.c");

/// The compiled probe.
pub struct Probe(PathBuf);

/// On which side a run is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// On disk, with nothing preloaded.
    Native,
    /// In the mount.
    Ours,
}

impl Probe {
    /// Compiles it: a program that calls libc as any other does.
    pub fn compile(room: &Path) -> io::Result<Probe> {
        let (source, program) = (room.join("probe.c"), room.join("probe"));
        std::fs::write(&source, SOURCE)?;
        succeed(Command::new("cc").arg("-O2").arg("-o").arg(&program).arg(&source))?;
        Ok(Probe(program))
    }

    /// The program.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What one run says: nanoseconds an operation, as a rule.
    pub fn run(
        &self,
        case: &Case,
        side: Side,
        sides: &Sides,
        first: u32,
        count: u32,
    ) -> io::Result<f64> {
        said(&mut self.command(case, side, sides, first, count))
    }

    fn command(&self, case: &Case, side: Side, sides: &Sides, first: u32, count: u32) -> Command {
        let mut command = Command::new(&self.0);
        self.arguments(&mut command, case, side, sides, first, count);
        if side == Side::Ours {
            command.envs(sides.environment.iter().cloned());
        }
        command
    }

    fn arguments(
        &self,
        command: &mut Command,
        case: &Case,
        side: Side,
        sides: &Sides,
        first: u32,
        count: u32,
    ) {
        let root = if side == Side::Native { &sides.native } else { &sides.ours };
        let name = if case.way == Way::StartsStat { "spawn" } else { case.name };
        command.arg(name).arg(root).args([first.to_string(), count.to_string()]);
        match case.way {
            Way::InProcess => {}
            Way::StartsTrue => {
                command.arg("/bin/true");
            }
            Way::StartsStat => {
                let file = root.join("hot/file00.c");
                command.arg(&self.0).arg("one-stat").arg(file).args(["0", "1"]);
            }
        }
        command.env("PROBE_OUTSIDE", &sides.outside).env("PROBE_CLOCK", &sides.clock);
    }

    /// How many calls of the kernel an operation makes: what a longer run makes more than a shorter one.
    pub fn calls(
        &self,
        case: &Case,
        side: Side,
        sides: &Sides,
        first: u32,
        room: &Path,
    ) -> io::Result<f64> {
        let (short, long) = (100, 200);
        let fewer = self.calls_of(case, side, sides, (first, short), room)?;
        let more = self.calls_of(case, side, sides, (first + short, long), room)?;
        Ok((more as f64 - fewer as f64) / f64::from(long - short))
    }

    fn calls_of(
        &self,
        case: &Case,
        side: Side,
        sides: &Sides,
        (first, count): (u32, u32),
        room: &Path,
    ) -> io::Result<usize> {
        let output = room.join("strace");
        let mut command = Command::new("strace");
        command.arg("-f").arg("-o").arg(&output);
        if side == Side::Ours {
            // For the probe, and not for strace.
            for (name, value) in &sides.environment {
                command.arg("-E").arg(format!("{name}={value}"));
            }
        }
        command.arg(&self.0);
        self.arguments(&mut command, case, side, sides, first, count);
        said(&mut command)?;
        let is_call = |line: &&str| !["+++", "---", "resumed>"].iter().any(|m| line.contains(m));
        Ok(std::fs::read_to_string(&output)?.lines().filter(is_call).count())
    }
}

/// The number that a command prints in its last line.
pub fn said(command: &mut Command) -> io::Result<f64> {
    let done = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&done.stdout);
    let last = text.trim_end().rsplit('\n').next().unwrap_or("");
    let number = last.parse().ok().filter(|_| done.status.success());
    number.ok_or_else(|| io::Error::other(format!("{}: {text:?} of {command:?}", done.status)))
}
