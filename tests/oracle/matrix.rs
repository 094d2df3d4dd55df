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
        text.push_str("\nempty cells:\n");
        for (cell, reason) in self.empty(expected)? {
            text.push_str(&format!("  {cell}: {}\n", reason.as_deref().unwrap_or("no reason")));
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

    /// The empty cells, each with the reason, if it has one that holds for who runs this.
    pub fn empty(&self, expected: &Path) -> io::Result<Vec<(String, Option<String>)>> {
        let who = if rustix::process::geteuid().is_root() { " (root)" } else { " (user)" };
        let list = fs::read_to_string(expected)?;
        let lines = || list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut excused = BTreeMap::new();
        for (family, rest) in lines().filter_map(|line| line.split_once(" - ")) {
            let Some((name, reason)) = rest.split_once(':') else { continue };
            let name = name.strip_suffix(who).unwrap_or(name);
            excused.insert(format!("{family} {name}"), reason.trim().to_owned());
        }
        let mut empty = Vec::new();
        for line in lines().filter(|line| !line.contains(" - ")) {
            let Some((family, names)) = line.split_once(':') else { continue };
            let cells = self.families.get(family);
            for name in names.split_whitespace() {
                if cells.is_none_or(|cells| !cells.contains_key(name)) {
                    let cell = format!("{family} {name}");
                    let reason = excused.get(&cell).cloned();
                    empty.push((cell, reason));
                }
            }
        }
        Ok(empty)
    }
}
