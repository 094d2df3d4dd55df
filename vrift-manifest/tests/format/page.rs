//! The tables of the page.

use std::collections::BTreeMap;

const FORMAT: &str = include_str!("../../../docs/format.md");

/// A chapter (`## Name`) of the page.
pub fn chapter(name: &str) -> &'static str {
    let (_, behind) = FORMAT.split_once(&format!("\n## {name}\n")).expect("the chapter");
    behind.split_once("\n## ").map_or(behind, |(chapter, _)| chapter)
}

/// A part of it (`### Name`).
pub fn part(chapter: &'static str, name: &str) -> &'static str {
    let (_, behind) = chapter.split_once(&format!("\n### {name}\n")).expect("the part");
    behind.split_once("\n### ").map_or(behind, |(part, _)| part)
}

/// The rows of the tables whose header is `header`, as cells without the marks of code.
pub fn tables(text: &'static str, header: &[&str]) -> Vec<Vec<Vec<String>>> {
    let mut tables = vec![];
    let mut inside = false;
    for line in text.lines() {
        let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")) else {
            inside &= line.starts_with("|-");
            continue;
        };
        let cells: Vec<String> = row.split(" | ").map(|cell| cell.replace('`', "")).collect();
        if cells == header {
            tables.push(vec![]);
            inside = true;
        } else if let (true, Some(table)) = (inside, tables.last_mut()) {
            assert_eq!(cells.len(), header.len(), "{line}");
            table.push(cells);
        }
    }
    tables
}

/// Where fields lie, by their names: offset and size in bytes.
pub struct Fields(pub BTreeMap<String, (usize, usize)>);

impl Fields {
    /// All tables of offset, size and field in `text`. Each leaves no byte out.
    pub fn of_bytes(text: &'static str) -> Fields {
        let mut fields = BTreeMap::new();
        for table in tables(text, &["offset", "size", "field", "meaning"]) {
            let mut end = 0;
            for row in &table {
                let (at, size) =
                    (row[0].parse().expect("a number"), row[1].parse::<usize>().expect("one"));
                assert_eq!(at, end, "{} does not begin where the field before it ends", row[2]);
                end = at + size;
                assert!(fields.insert(row[2].clone(), (at, size)).is_none(), "{} twice", row[2]);
            }
        }
        Fields(fields)
    }

    /// All tables of words in `text`.
    pub fn of_words(text: &'static str) -> Fields {
        let rows = tables(text, &["word", "field", "meaning"]).into_iter().flatten();
        Fields(rows.map(|row| (row[1].clone(), (row[0].parse().expect("a number"), 1))).collect())
    }

    pub fn at(&self, field: &str) -> usize {
        self.0.get(field).unwrap_or_else(|| panic!("no field {field}")).0
    }

    pub fn bytes<'a>(&self, of: &'a [u8], field: &str) -> &'a [u8] {
        let (at, size) = self.0[field];
        &of[at..at + size]
    }

    pub fn number(&self, of: &[u8], field: &str) -> u64 {
        self.bytes(of, field).iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}

/// The hash of a name as the page says it, byte by byte.
pub fn name_hash(name: &[u8]) -> u64 {
    let n = name.len();
    let word = |at: usize, len: usize| {
        (0..len)
            .map(|i| name.get(at + i).map_or(0, |&byte| u64::from(byte) << (8 * i)))
            .sum::<u64>()
    };
    let mut s = K0 ^ n as u64;
    let (first, last) = match n {
        16.. => {
            for block in 0..(n - 1) / 16 {
                s = fold(word(16 * block, 8) ^ s, word(16 * block + 8, 8) ^ K1);
            }
            (word(n - 16, 8), word(n - 8, 8))
        }
        8..16 => (word(0, 8), word(n - 8, 8)),
        4..8 => (word(0, 4), word(n - 4, 4)),
        _ => (word(0, 2), word(2, 1)),
    };
    fold(first ^ s, last ^ K1)
}

pub const K0: u64 = 0x9e3779b97f4a7c15;
pub const K1: u64 = 0xe7037ed1a0b428db;

pub fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}
