//! What is found of one thing, and how it is told.

use std::io::Write;

use crate::error::Result;
use crate::output::{ADDED, CHANGED, HEADING, Output, REMOVED, Row};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It works.
    Works,
    /// Optional, and not there.
    Missing,
    /// It could not be tried here, which says nothing of the machine.
    Skipped,
    /// Needed, and not there.
    Fails,
}

/// One thing that was tried.
#[derive(Debug)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How that ended.
    pub outcome: Outcome,
    /// What was found.
    pub found: String,
    /// What it means for the user, if it does not work.
    pub means: Option<&'static str>,
}

impl Check {
    /// It works.
    pub fn works(name: &'static str, found: impl Into<String>) -> Check {
        Check { name, outcome: Outcome::Works, found: found.into(), means: None }
    }

    /// Optional, and not there.
    pub fn missing(name: &'static str, found: impl Into<String>, means: &'static str) -> Check {
        Check { name, outcome: Outcome::Missing, found: found.into(), means: Some(means) }
    }

    /// It could not be tried.
    pub fn skipped(name: &'static str, found: impl Into<String>) -> Check {
        Check { name, outcome: Outcome::Skipped, found: found.into(), means: None }
    }

    /// Needed, and not there.
    pub fn fails(name: &'static str, found: impl Into<String>, means: &'static str) -> Check {
        Check { name, outcome: Outcome::Fails, found: found.into(), means: Some(means) }
    }

    /// An element of a listing.
    pub fn row(&self) -> Row {
        let outcome = match self.outcome {
            Outcome::Works => "works",
            Outcome::Missing => "missing",
            Outcome::Skipped => "skipped",
            Outcome::Fails => "fails",
        };
        Row::new()
            .with("check", self.name)
            .with("outcome", outcome)
            .with("found", &self.found)
            .with("means", self.means)
    }

    /// Its lines: what was found, and under it what that means.
    pub fn write(&self, output: &mut Output<'_>) -> Result<()> {
        let (word, style) = match self.outcome {
            Outcome::Works => ("works", ADDED),
            Outcome::Missing => ("missing", CHANGED),
            Outcome::Skipped => ("skipped", CHANGED),
            Outcome::Fails => ("FAILS", REMOVED),
        };
        let word = output.styled(style, format_args!("{word:<7}"));
        let name = output.styled(HEADING, format_args!("{:<NAME$}", self.name));
        let room = output.width().map(|width| width.saturating_sub(LEFT).max(30));
        let mut lines = wrapped(&self.found, room).into_iter();
        writeln!(output, "{word}  {name}  {}", lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(output, "{:LEFT$}{line}", "")?;
        }
        for (number, line) in
            self.means.map_or(Vec::new(), |means| wrapped(means, room)).iter().enumerate()
        {
            let mark = if number == 0 { "-> " } else { "   " };
            writeln!(output, "{:1$}{mark}{line}", "", LEFT - 3)?;
        }
        // It is looked at while the next one is tried.
        output.flush()?;
        Ok(())
    }
}

/// Columns of a name, and of all that stands left of the text.
const NAME: usize = 17;
const LEFT: usize = 7 + 2 + NAME + 2;

/// Lines of words that fit into `room` columns.
fn wrapped(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return vec![text.to_owned()] };
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_means_stands_under_what_was_found() {
        let mut bytes = Vec::new();
        let mut output = Output::to(&mut bytes);
        Check::works("content", "as it is").write(&mut output).unwrap();
        Check::missing("reflinks", "none", "it copies").write(&mut output).unwrap();
        drop(output);
        let text = String::from_utf8(bytes).unwrap();
        let expected = "works    content            as it is\n\
                        missing  reflinks           none\n\
                        \x20                        -> it copies\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn lines_are_as_wide_as_there_is_room_and_no_word_is_cut() {
        assert_eq!(wrapped("one two three", Some(7)), ["one two", "three"]);
        assert_eq!(wrapped("longer-than-that a", Some(4)), ["longer-than-that", "a"]);
        assert_eq!(wrapped("one two", None), ["one two"]);
    }
}
