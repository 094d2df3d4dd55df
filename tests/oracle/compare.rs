//! One script on both sides, compared line by line.

use std::collections::BTreeMap;
use std::{fmt, io};

use crate::differences::Differences;
use crate::matrix::Matrix;
use crate::player::Player;
use crate::sides::{self, Played, Sides};

/// What comparing gave.
#[derive(Debug)]
pub enum Verdict {
    /// No difference but known ones.
    Same,
    /// The first difference.
    Differs(Difference),
}

/// A difference that is not known.
#[derive(Debug)]
pub struct Difference {
    /// The number of the line, from 1; 0 where it is about the script as a whole.
    pub number: usize,
    /// The line.
    pub line: String,
    /// What it gave on both sides.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.number == 0 {
            write!(f, "beside its lines: {}", self.what)
        } else {
            write!(f, "line {}: {}\n    {}", self.number, self.line, self.what)
        }
    }
}

fn results(said: &[u8]) -> BTreeMap<usize, String> {
    let text = String::from_utf8_lossy(said);
    let number = |line: &str| {
        let (number, result) = line.split_once(' ')?;
        Some((number.parse().ok()?, result.to_owned()))
    };
    text.lines().filter_map(number).collect()
}

/// Every line of a script that differs, whatever follows from what.
pub fn all(
    sides: &mut Sides,
    differences: &mut Differences,
    script: &[String],
    mut count: Option<(&Player, &mut Matrix)>,
) -> io::Result<Vec<String>> {
    let played: Played = sides.both(&(script.join("\n") + "\n"))?;
    let (native, ours) = (results(&played.native), results(&played.ours));
    let mut found = Vec::new();
    for (place, line) in script.iter().enumerate() {
        let (one, two) = (native.get(&(place + 1)), ours.get(&(place + 1)));
        if let (Some((player, matrix)), Some(result)) = (count.as_mut(), one) {
            matrix.count(player, line, result);
        }
        if one != two {
            let missing = "(nothing)".to_owned();
            let (one, two) = (one.unwrap_or(&missing), two.unwrap_or(&missing));
            if differences.find(line, one, two, true).is_none() {
                let number = place + 1;
                found.push(
                    Difference { number, line: line.clone(), what: sides::parts(one, two) }
                        .to_string(),
                );
            }
        }
    }
    found.extend(played.beside);
    Ok(found)
}

/// Plays a script on both sides and compares. Answers are counted in the matrix, where one is given.
pub fn both(
    sides: &mut Sides,
    differences: &mut Differences,
    script: &[String],
    mut count: Option<(&Player, &mut Matrix)>,
) -> io::Result<Verdict> {
    let played: Played = sides.both(&(script.join("\n") + "\n"))?;
    let (native, ours) = (results(&played.native), results(&played.ours));
    let mut ended = false;
    for (place, line) in script.iter().enumerate() {
        let number = place + 1;
        let missing = "(nothing)".to_owned();
        let (one, two) = (native.get(&number), ours.get(&number));
        if let (Some((player, matrix)), Some(result)) = (count.as_mut(), one) {
            matrix.count(player, line, result);
        }
        if one == two || ended {
            continue;
        }
        let (one, two) = (one.unwrap_or(&missing), two.unwrap_or(&missing));
        match differences.find(line, one, two, count.is_some()) {
            Some(known) => ended = known.ends,
            None => {
                let what = sides::parts(one, two);
                let what = format!("{what}{}", beside(&played));
                return Ok(Verdict::Differs(Difference { number, line: line.clone(), what }));
            }
        }
    }
    if ended || played.beside.is_empty() {
        return Ok(Verdict::Same);
    }
    let text = played.beside.join("\n    ");
    match differences.find("beside", "", &text, count.is_some()) {
        Some(_) => Ok(Verdict::Same),
        None => Ok(Verdict::Differs(Difference { number: 0, line: String::new(), what: text })),
    }
}

/// Of what is beside the lines, only how the process ended belongs to a difference in a line.
fn beside(played: &Played) -> String {
    let ends = played.beside.iter().filter(|text| text.starts_with("ends"));
    ends.map(|text| format!("\n    {text}")).collect()
}
