//! The known differences: written down with their reasons, counted whenever one is used.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// One known difference.
#[derive(Debug, Clone)]
pub struct Known {
    call: String,
    native: String,
    ours: String,
    /// Whether the trees differ from here on, so that the rest of the script says nothing.
    pub ends: bool,
    /// Why it is so.
    pub reason: String,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Differences {
    list: Vec<Known>,
    used: BTreeMap<usize, u64>,
}

/// Whether `text` is like `pattern`, in which `*` stands for anything.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|at| matches(rest, &text[at..])),
        Some((first, rest)) => {
            text.split_first().is_some_and(|(letter, text)| letter == first && matches(rest, text))
        }
    }
}

impl Differences {
    /// Reads the list: `call | native | ours | goes on or ends | reason` on each line.
    pub fn read(path: &Path) -> io::Result<Differences> {
        let mut list = Vec::new();
        for line in fs::read_to_string(path)?
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let fields: Vec<&str> = line.split('|').map(str::trim).collect();
            let [call, native, ours, then, reason] = fields[..] else {
                return Err(io::Error::other(format!(
                    "{}: not five fields: {line}",
                    path.display()
                )));
            };
            let own = str::to_owned;
            list.push(Known {
                call: own(call),
                native: own(native),
                ours: own(ours),
                ends: then == "ends",
                reason: own(reason),
            });
        }
        Ok(Differences { list, used: BTreeMap::new() })
    }

    /// Adds another list.
    pub fn append(&mut self, more: Differences) {
        self.list.extend(more.list);
    }

    /// The known difference that this is, if it is one. With `count` it counts as used.
    pub fn find(&mut self, call: &str, native: &str, ours: &str, count: bool) -> Option<Known> {
        // `|` in a call's flags would end the field of a pattern.
        let call = call.replace('|', "+");
        // Who plays it makes no difference.
        let before = ["forked ", "threaded ", "touches "];
        let call = before
            .iter()
            .fold(call.as_str(), |call, word| call.trim_start_matches(word))
            .to_owned();
        let is = |known: &Known| {
            matches(known.call.as_bytes(), call.as_bytes())
                && matches(known.native.as_bytes(), native.as_bytes())
                && matches(known.ours.as_bytes(), ours.as_bytes())
        };
        let place = self.list.iter().position(is)?;
        if count {
            *self.used.entry(place).or_default() += 1;
        }
        self.list.get(place).cloned()
    }

    /// How often each was used.
    pub fn report(&self) -> String {
        let mut text = String::new();
        for (place, known) in self.list.iter().enumerate() {
            let used = self.used.get(&place).copied().unwrap_or(0);
            text.push_str(&format!(
                "{used:>8}  {} | {} | {}: {}\n",
                known.call, known.native, known.ours, known.reason
            ));
        }
        text
    }
}
