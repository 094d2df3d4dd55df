//! Running the probe.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cases::{Case, Way};
use super::sides::{Side, Sides};
use crate::shell::succeed;

/// The probe's sources.
const SOURCES: [(&str, &str); 3] = [
    ("probe.h", include_str!("../../probe/probe.h")),
    ("probe.c", include_str!("../../probe/probe.c")),
    ("growth.c", include_str!("../../probe/growth.c")),
];

/// The compiled probe.
pub struct Probe(PathBuf);

impl Probe {
    /// Compiles it: a program that calls libc as any other does.
    pub fn compile(room: &Path) -> io::Result<Probe> {
        let program = room.join("probe");
        let mut command = Command::new("cc");
        command.arg("-O2").arg("-o").arg(&program);
        for (name, text) in SOURCES {
            std::fs::write(room.join(name), text)?;
            if name.ends_with(".c") {
                command.arg(room.join(name));
            }
        }
        succeed(&mut command)?;
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
        side: &Side,
        sides: &Sides,
        first: u32,
        count: u32,
    ) -> io::Result<f64> {
        said(&mut self.command(case.name, case.way, side, sides, (first, count)))
    }

    /// The same of a case of the probe that is in no list.
    pub fn command(
        &self,
        name: &str,
        way: Way,
        side: &Side,
        sides: &Sides,
        numbers: (u32, u32),
    ) -> Command {
        let mut command = match side.before.split_first() {
            None => Command::new(&self.0),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&self.0);
                command
            }
        };
        self.arguments(&mut command, name, way, side, sides, numbers);
        command.envs(side.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn arguments(
        &self,
        command: &mut Command,
        name: &str,
        way: Way,
        side: &Side,
        sides: &Sides,
        (first, count): (u32, u32),
    ) {
        let name = if way == Way::StartsStat { "spawn" } else { name };
        command.arg(name).arg(&side.root).args([first.to_string(), count.to_string()]);
        match way {
            Way::InProcess | Way::Outside | Way::Removes => {}
            Way::StartsTrue => {
                command.arg("/bin/true");
            }
            Way::StartsStat => {
                let file = side.root.join("hot/file00.c");
                command.arg(&self.0).arg("one-stat").arg(file).args(["0", "1"]);
            }
        }
        command.env("PROBE_OUTSIDE", &sides.outside).env("PROBE_CLOCK", &sides.clock);
        command.env("PROBE_DIRECTORIES", sides.directories.to_string());
    }

    /// How many calls of the kernel an operation makes: what a longer run makes more than a shorter one.
    pub fn calls(
        &self,
        case: &Case,
        side: &Side,
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
        side: &Side,
        sides: &Sides,
        numbers: (u32, u32),
        room: &Path,
    ) -> io::Result<usize> {
        let output = room.join("strace");
        let mut command = Command::new("strace");
        command.arg("-f").arg("-o").arg(&output);
        // For the probe, and not for strace.
        for (name, value) in &side.environment {
            command.arg("-E").arg(format!("{name}={value}"));
        }
        command.arg(&self.0);
        self.arguments(&mut command, case.name, case.way, side, sides, numbers);
        said(&mut command)?;
        let is_call = |line: &&str| !["+++", "---", "resumed>"].iter().any(|m| line.contains(m));
        Ok(std::fs::read_to_string(&output)?.lines().filter(is_call).count())
    }
}

/// The number that a command prints in its last line.
pub fn said(command: &mut Command) -> io::Result<f64> {
    let done = command.stdin(Stdio::null()).stderr(Stdio::piped()).output()?;
    let last = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.trim_end().rsplit('\n').next().unwrap_or("").to_owned()
    };
    let number = last(&done.stdout).parse().ok().filter(|_| done.status.success());
    number.ok_or_else(|| io::Error::other(format!("{}, {}", done.status, last(&done.stderr))))
}
