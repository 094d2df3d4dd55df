//! How often each call gave each answer, and which cells of that table are empty.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use crate::player::Player;

/// The table.
#[derive(Debug, Default)]
pub struct Matrix {
    families: BTreeMap<String, BTreeMap<String, u64>>,
    calls: BTreeMap<String, (u64, u64)>,
}

/// The error that a line of result tells, if it tells one.
pub fn error(result: &str) -> Option<&str> {
    let word = result.split([' ', '|']).next()?;
    let named = word.len() > 2 && word.starts_with('E');
    (named && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
        .then_some(word)
}

impl Matrix {
    /// Counts one answer.
    pub fn count(&mut self, player: &Player, line: &str, result: &str) {
        let Some(operation) = player.of_line(line) else { return };
        let answer = error(result);
        let column = answer.unwrap_or("ok").to_owned();
        *self.families.entry(operation.family.clone()).or_default().entry(column).or_default() += 1;
        let both = self.calls.entry(operation.name.clone()).or_default();
        if answer.is_some() { both.1 += 1 } else { both.0 += 1 }
    }

    /// How many answers were counted.
    pub fn total(&self) -> u64 {
        self.calls.values().map(|(ok, failed)| ok + failed).sum()
    }

    /// The table, the cells of `expected` (`family: ERROR ...` on each line) that are empty, and the operations that
    /// never succeeded. A cell that is known to stay empty stands there as `family - ERROR: reason`.
    pub fn report(&self, player: &Player, expected: &Path) -> io::Result<String> {
        let mut text = String::new();
        for (family, cells) in &self.families {
            text.push_str(&format!("{family:<12}"));
            for (column, count) in cells {
                text.push_str(&format!(" {column}={count}"));
            }
            text.push('\n');
        }
        let (mut excused, mut missing) = (BTreeMap::new(), Vec::new());
        let list = fs::read_to_string(expected)?;
        let lines = || list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines() {
            if let Some((cell, reason)) = line.split_once(" - ").and_then(|(family, rest)| {
                let (name, reason) = rest.split_once(':')?;
                Some(((family.trim().to_owned(), name.trim().to_owned()), reason.trim().to_owned()))
            }) {
                excused.insert(cell, reason);
            }
        }
        for line in lines().filter(|line| !line.contains(" - ")) {
            let Some((family, names)) = line.split_once(':') else { continue };
            for name in names.split_whitespace() {
                let count = self
                    .families
                    .get(family)
                    .and_then(|cells| cells.get(name))
                    .copied()
                    .unwrap_or(0);
                if count == 0 {
                    missing.push((family.to_owned(), name.to_owned()));
                }
            }
        }
        text.push_str("\nempty cells:\n");
        for cell in missing {
            let reason = excused.get(&cell).map_or("not reached in this run", String::as_str);
            text.push_str(&format!("  {} {}: {reason}\n", cell.0, cell.1));
        }
        let seen: BTreeSet<&str> = self
            .calls
            .iter()
            .filter(|(_, (ok, _))| *ok > 0)
            .map(|(name, _)| name.as_str())
            .collect();
        let never: Vec<&str> = player
            .operations
            .iter()
            .map(|operation| operation.name.as_str())
            .filter(|name| !seen.contains(name))
            .collect();
        text.push_str(&format!(
            "\noperations that never succeeded: {}\n",
            if never.is_empty() { "none".to_owned() } else { never.join(" ") }
        ));
        Ok(text)
    }
}
