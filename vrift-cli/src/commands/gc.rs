//! `vrift gc`.

use std::io::Write;
use std::time::Duration;

use vrift_cas::GcOptions;
use vrift_manifest::workspace::{CollectError, Collected, collect};

use crate::error::{Error, Result};
use crate::home;
use crate::output::{Output, Row, human};

/// Remove what no workspace, snapshot or earlier state needs any more
///
/// It works beside everything else that goes on in the store. What is not needed first moves to the store's trash, from
/// where whoever needs it after all brings it back; what has been there for the grace is removed, and only then the disk
/// has the room. So two runs, a grace apart, free everything.
///
/// If anything that decides what is needed cannot be read, nothing is removed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The grace is how long something has to have been left alone before it is moved, and again before it \
    is removed. Running ingests are safe with any grace; a longer one leaves more time to think again.\n\n\
    Examples:\n  \
    vrift gc                 what has not been used for an hour\n  \
    vrift gc --dry-run       only say what would go\n  \
    vrift gc --grace 7d      only what has not been used for a week"
)]
pub struct Args {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,

    /// How long to leave alone what is not needed: a number and s, m, h or d
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    grace: Duration,

    /// Say it as a JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Collects.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let home = home::for_writing()?;
        let options = GcOptions { grace: self.grace, dry_run: self.dry_run };
        let done = collect(&home, &options).map_err(told)?;
        if self.json { output.document(&row(&done, self.dry_run)) } else { self.say(output, &done) }
    }

    fn say(&self, output: &mut Output<'_>, done: &Collected) -> Result<()> {
        let blobs = &done.blobs;
        let would = if self.dry_run { "would be " } else { "" };
        let contents = |number| human::counted(number, "content");
        let files = |number| match number {
            1 => "1 image or journal segment".to_owned(),
            _ => format!("{} images or journal segments", human::count(number)),
        };
        writeln!(output, "in use: {}", contents(blobs.kept))?;
        if blobs.young > 0 {
            writeln!(output, "not in use, but too young: {}", contents(blobs.young))?;
        }
        writeln!(
            output,
            "{would}moved to the trash: {}, {}, {}",
            contents(blobs.moved),
            files(done.moved),
            human::size(blobs.moved_bytes + done.moved_bytes)
        )?;
        writeln!(
            output,
            "{would}removed from the trash: {}, {}, {}",
            contents(blobs.purged),
            files(done.purged),
            human::size(blobs.bytes + done.purged_bytes)
        )?;
        if blobs.restored + done.restored > 0 {
            let (contents, files) = (contents(blobs.restored), files(done.restored));
            writeln!(output, "{would}brought back, as in use: {contents}, {files}")?;
        }
        let leftovers = blobs.leftovers.files + done.leftovers;
        if leftovers > 0 {
            let number = human::counted(leftovers, "leftover");
            writeln!(output, "{would}cleared: {number} of interrupted commands")?;
        }
        Ok(())
    }
}

fn told(error: CollectError) -> Error {
    match error {
        CollectError::Store(error) => error.into(),
        CollectError::Files(error) => error.into(),
        CollectError::Roots(_) => Error::failed("").caused_by(error).hint(
            "`vrift fsck` says what is damaged; `vrift fsck --repair` or dropping the workspace lets gc go on",
        ),
    }
}

fn row(done: &Collected, dry_run: bool) -> Row {
    let blobs = &done.blobs;
    Row::new()
        .with("dry_run", dry_run)
        .with("kept", blobs.kept)
        .with("young", blobs.young)
        .with("moved", blobs.moved)
        .with("moved_files", done.moved)
        .with("moved_bytes", blobs.moved_bytes + done.moved_bytes)
        .with("removed", blobs.purged)
        .with("removed_files", done.purged)
        .with("removed_bytes", blobs.bytes + done.purged_bytes)
        .with("restored", blobs.restored)
        .with("restored_files", done.restored)
        .with("leftovers", blobs.leftovers.files + done.leftovers)
}

/// A number and its unit; 0 needs none.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no duration: a number and s, m, h or d, as in 90m");
    let (number, seconds) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ if text == "0" => (text, 1),
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(duration("90m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "h", "5", "1 h", "-1h", "99999999999999999999d", "1\u{e9}"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
