//! Running a case: native, ours, native, ours.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Options;
use crate::cases::Case;

/// One line of the table.
pub fn side_by_side(case: &Case, room: &Path, options: &Options) -> io::Result<String> {
    let (mut native, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        shell(case.native_before, room, options)?;
        let a = shell(case.native, room, options)?;
        shell(case.ours_before, room, options)?;
        let b = shell(case.ours, room, options)?;
        native.push(a);
        ours.push(b);
        ratios.push(b / a);
    }
    let ([_, native, _], [_, ours, _]) = (spread(&mut native), spread(&mut ours));
    let [least, median, most] = spread(&mut ratios);
    Ok(format!(
        "| {} | {native:.3} s | {ours:.3} s | {median:.2} ({least:.2} .. {most:.2}) | <= {} |",
        case.name, case.goal
    ))
}

/// Runs a line of shell; the seconds that it took.
pub fn shell(line: &str, room: &Path, options: &Options) -> io::Result<f64> {
    let mut command = Command::new("sh");
    command.args(["-e", "-c", line]).current_dir(room);
    environment(&mut command, room, options).stdout(Stdio::null());
    let begun = Instant::now();
    let status = command.status()?;
    let seconds = begun.elapsed().as_secs_f64();
    if status.success() { Ok(seconds) } else { Err(io::Error::other(format!("failed: {line}"))) }
}

/// Gives a command the store of this run.
pub fn environment<'c>(
    command: &'c mut Command,
    room: &Path,
    options: &Options,
) -> &'c mut Command {
    command.env("V", &options.vrift).env("VRIFT_HOME", room.join("store"))
}

/// Least, median, most.
pub fn spread(values: &mut [f64]) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    [at(0), at(values.len() / 2), at(values.len().saturating_sub(1))]
}
