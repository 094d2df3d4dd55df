//! What was tested, and what was violated.

use std::path::Path;

/// Of one row.
pub struct Tally {
    row: &'static str,
    first: Option<u64>,
    last: u64,
    /// How much was tested.
    pub tested: u64,
    /// How often it went wrong.
    pub violations: u64,
}

impl Tally {
    /// Nothing yet.
    pub fn new(row: &'static str) -> Tally {
        Tally { row, first: None, last: 0, tested: 0, violations: 0 }
    }

    /// A case of this seed begins.
    pub fn begin(&mut self, seed: u64) {
        self.first.get_or_insert(seed);
        self.last = seed;
    }

    /// Something went wrong. `kept`: the place in which it can be looked at.
    pub fn violated(&mut self, seed: u64, why: &str, kept: Option<&Path>) {
        self.violations += 1;
        violation(self.row, seed, why, kept);
    }

    /// Something cannot be tried here: that is told beside the figures, so that nobody takes it for tested.
    pub fn left_out(&self, what: &str, why: &str) {
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        println!("figure\t{}\tleft out: {what}, {why}", self.row);
    }

    /// Prints the line; whether nothing was violated.
    pub fn say(&self) -> bool {
        let seeds = match self.first {
            Some(first) if first < self.last => format!("{first}-{}", self.last),
            Some(first) => first.to_string(),
            None => "-".to_owned(),
        };
        println!("tally\t{}\t{}\t{}\t{seeds}", self.row, self.tested, self.violations);
        self.violations == 0
    }
}

/// Says what went wrong, how to do it again, and where it can be looked at.
pub fn violation(row: &str, seed: u64, why: &str, kept: Option<&Path>) {
    println!("VIOLATION {row}: {why}");
    println!("  again: survive {row} --seed {seed} --cases 1");
    if let Some(kept) = kept {
        println!("  kept: {}", kept.display());
    }
}
