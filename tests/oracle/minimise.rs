//! A failing script made shorter, as long as it still fails.

use std::io;
use std::time::{Duration, Instant};

use crate::compare::{self, Difference, Verdict};
use crate::differences::Differences;
use crate::sides::Sides;

/// The shortest script found that differs in the same call (or, as a whole, at all), and how. Longer than `patience` nobody
/// waits for it.
pub fn minimise(
    sides: &mut Sides,
    differences: &mut Differences,
    script: &[String],
    first: &Difference,
    patience: Duration,
) -> io::Result<(Vec<String>, String)> {
    let mut lines: Vec<String> = script.to_vec();
    if first.number > 0 {
        lines.truncate(first.number);
    }
    let call =
        |line: &str| line.split(' ').find(|word| *word != "touches").unwrap_or("").to_owned();
    let wanted = call(&first.line);
    let mut shown = first.to_string();
    let until = Instant::now() + patience;
    let mut chunk = lines.len().div_ceil(2);
    while chunk > 0 && Instant::now() < until {
        let mut shorter = false;
        let mut at = 0;
        while at < lines.len() && Instant::now() < until {
            let mut tried = lines.clone();
            // The first line says that it is by chance.
            tried.drain(at.max(1)..(at + chunk).clamp(1, lines.len()));
            if tried.len() == lines.len() {
                at += chunk;
                continue;
            }
            let still = match tried.is_empty() {
                true => None,
                false => match compare::both(sides, differences, &tried, None)? {
                    Verdict::Differs(found) if call(&found.line) == wanted => Some(found),
                    _ => None,
                },
            };
            match still {
                Some(found) => {
                    shown = found.to_string();
                    if found.number > 0 {
                        tried.truncate(found.number);
                    }
                    lines = tried;
                    shorter = true;
                }
                None => at += chunk,
            }
        }
        if chunk == 1 && !shorter {
            break;
        }
        chunk = if chunk == 1 { 1 } else { chunk.div_ceil(2).min(chunk - 1) };
    }
    Ok((lines, shown))
}
