//! What was asked for.

use std::time::{Duration, Instant};

/// How long, and from which seed on.
pub struct Options {
    /// The first seed; each case has the next one.
    pub seed: u64,
    /// At most so many cases.
    pub cases: u64,
    /// Not after this time another one is begun.
    pub until: Instant,
    /// How long that was when it was asked for.
    pub seconds: u64,
}

impl Options {
    /// Reads words. Without `--seconds` as many `--cases` as are told, and one if none are.
    pub fn of(words: &[String]) -> Result<Options, String> {
        let (mut seed, mut cases, mut seconds) = (1, None, None);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words.next().ok_or(format!("{word} needs a number"))?;
            let number = value.parse::<u64>().map_err(|why| format!("{word} {value}: {why}"))?;
            match word.as_str() {
                "--seed" => seed = number,
                "--cases" => cases = Some(number),
                "--seconds" => seconds = Some(number),
                other => return Err(format!("no option {other}")),
            }
        }
        let cases = cases.unwrap_or(if seconds.is_some() { u64::MAX } else { 1 });
        let seconds = seconds.unwrap_or(86_400);
        Ok(Options { seed, cases, until: Instant::now() + Duration::from_secs(seconds), seconds })
    }

    /// The seeds, until the time is over. There is always a first one.
    pub fn seeds(&self) -> impl Iterator<Item = u64> + '_ {
        let all = (0..self.cases).map(|case| self.seed + case);
        all.enumerate()
            .take_while(|(case, _)| *case == 0 || Instant::now() < self.until)
            .map(|(_, seed)| seed)
    }
}
