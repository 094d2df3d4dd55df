//! Cases that are lines of shell: `$V` is the command, `$N` a number that no other run of the case has, and the current directory
//! the room of the section. What was made is put aside rather than removed: a file system looks for minutes at what was
//! freed when something is made near by.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::measure::{Series, in_turn};
use crate::table::{Goal, Row, Table, Unit};

/// Something that is done in several ways.
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// What the ratio must not exceed.
    pub goal: Goal,
    /// Whether it is the time of the processors that counts, and not that of the wall.
    pub processor: bool,
    /// Before each run of any way, not measured.
    pub before: &'static str,
    /// The base first; then others, ours among them.
    pub ways: &'static [Way],
}

/// One way to do it.
pub struct Way {
    /// The side.
    pub side: &'static str,
    /// Before each run, not measured.
    pub before: &'static str,
    /// What is measured.
    pub run: &'static str,
    /// Behind each run, not measured: fails where the result is wrong. Its standard input is what the run wrote.
    pub check: &'static str,
}

/// A way without preparation and check.
pub const fn way(side: &'static str, run: &'static str) -> Way {
    Way { side, before: "", run, check: "" }
}

/// Where lines are run.
pub struct Shell {
    /// The current directory.
    pub room: PathBuf,
    /// The command.
    pub vrift: PathBuf,
}

impl Shell {
    /// Measures all cases. `tools`: of a side, what it needs.
    pub fn measure(&self, table: &mut Table, cases: &[Case], tools: &[(&str, &str)], rounds: u32) {
        let there: Vec<bool> = table.sides.iter().map(|side| self.works(side, tools)).collect();
        for (side, _) in table.sides.iter().zip(&there).filter(|(_, there)| !**there) {
            let tool =
                tools.iter().find(|(name, _)| *name == side.as_str()).map_or("", |(_, tool)| *tool);
            table.skipped.push(format!("{side}: `{tool}` does not work on this machine"));
        }
        for case in cases {
            eprintln!("  {}", case.name);
            let way_of = |side: &String| case.ways.iter().find(|way| way.side == side.as_str());
            let mut ways: Vec<Option<&Way>> = table.sides.iter().map(way_of).collect();
            // The second side is the first one once more.
            ways[1] = ways[0];
            let wanted: Vec<usize> =
                (0..ways.len()).filter(|&side| there[side] && ways[side].is_some()).collect();
            let measured = in_turn(rounds, wanted.len(), |place, round| {
                let side = wanted[place];
                let number = round as usize * ways.len() + side;
                ways[side].map_or(Ok(f64::NAN), |way| self.once(case, way, number))
            });
            let mut series: Vec<Option<Series>> = vec![None; ways.len()];
            for (side, measured) in wanted.into_iter().zip(measured) {
                series[side] = Some(measured);
            }
            let row = Row::new(case.name, case.what, Unit::Time);
            table.rows.push(Row { goal: case.goal, series, ..row });
        }
    }

    fn works(&self, side: &str, tools: &[(&str, &str)]) -> bool {
        let mut needed = tools.iter().filter(|(name, _)| *name == side);
        needed.all(|(_, tool)| self.line(tool, 0, Stdio::null()).is_ok())
    }

    fn once(&self, case: &Case, way: &Way, number: usize) -> io::Result<f64> {
        self.line(case.before, number, Stdio::null())?;
        self.line(way.before, number, Stdio::null())?;
        let said = self.room.join("said");
        let output = fs::File::create(&said)?;
        let used = children_seconds()?;
        let begun = Instant::now();
        self.line(way.run, number, output.into())?;
        let (wall, used) = (begun.elapsed().as_secs_f64(), children_seconds()? - used);
        let mut check = self.shell(way.check, number);
        run(check.stdin(fs::File::open(&said)?), way.check)?;
        Ok(if case.processor { used } else { wall } * 1e9)
    }

    /// Runs a line that must succeed.
    pub fn line(&self, line: &str, number: usize, output: Stdio) -> io::Result<()> {
        run(self.shell(line, number).stdin(Stdio::null()).stdout(output), line)
    }

    fn shell(&self, line: &str, number: usize) -> Command {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", line]).current_dir(&self.room).env("N", number.to_string());
        command.env("V", &self.vrift).env("VRIFT_HOME", self.room.join("store"));
        command.env("LC_ALL", "C").stdout(Stdio::null());
        command
    }
}

fn run(command: &mut Command, line: &str) -> io::Result<()> {
    if line.is_empty() {
        return Ok(());
    }
    let done = command.stderr(Stdio::piped()).spawn()?.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    let last = said.trim_end().rsplit('\n').next().unwrap_or("");
    match done.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("`{line}`: {}, {last}", done.status))),
    }
}

/// Seconds of processor time that finished children have used.
fn children_seconds() -> io::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok());
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Ok((ticks(13).unwrap_or(0.0) + ticks(14).unwrap_or(0.0)) / per_second)
}

/// Runs a command that must succeed; it says nothing.
pub fn succeed(command: &mut Command) -> io::Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("failed: {command:?}"))) }
}

/// Whether a program is on the PATH.
pub fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| Path::is_file(&directory.join(program)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(room: &Path) -> Shell {
        Shell { room: room.to_owned(), vrift: "/bin/true".into() }
    }

    const CASE: Case = Case {
        name: "writing",
        what: "a file",
        goal: Goal::Ratio(1.0),
        processor: false,
        before: "",
        ways: &[
            way("native", "echo native > n$N"),
            Way { side: "ours", before: "", run: "echo ours; $V", check: "grep -q ours" },
            Way { side: "wrong", before: "", run: "echo wrong", check: "grep -q right" },
            way("absent", "true"),
        ],
    };

    #[test]
    fn ways_are_measured_and_what_is_wrong_or_absent_is_said() {
        let room = tempfile::tempdir().unwrap();
        let sides = ["native", "again", "ours", "wrong", "absent", "other"];
        let mut table = Table::new("some", "", &sides);
        shell(room.path()).measure(&mut table, &[CASE], &[("absent", "no-such-tool --version")], 2);
        let row = &table.rows[0];
        let values = |side: usize| row.series[side].as_ref().map(|series| series.values.len());
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(values),
            [Some(2), Some(2), Some(2), Some(0), None, None]
        );
        assert!(row.failed(3).unwrap().contains("grep -q right"));
        assert_eq!(row.failed(2), None);
        assert_eq!(
            table.skipped,
            ["absent: `no-such-tool --version` does not work on this machine"]
        );
        // No two runs have a number in common: two native ones of two rounds.
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 4 + 1);
    }
}
