//! What a program sees of a tree: this program, run in a workspace, prints what its own eyes find.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::picture::{Entry, Picture, of_directory};

/// Prints the picture of the directory that is named, a line for each entry.
pub fn look(words: &[String]) -> ExitCode {
    let [directory] = words else { return ExitCode::from(2) };
    let picture = match of_directory(Path::new(directory)) {
        Ok(picture) => picture,
        Err(error) => {
            eprintln!("{directory}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut lines = String::new();
    for (path, entry) in &picture {
        lines += &format!("{:o}\t{}\t{}\t{path}\n", entry.mode, entry.mtime, entry.content);
    }
    match std::io::stdout().write_all(lines.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The picture that was printed.
pub fn parse(text: &str) -> Option<Picture> {
    let line = |line: &str| {
        let mut words = line.split('\t');
        let mode = u32::from_str_radix(words.next()?, 8).ok()?;
        let mtime = words.next()?.parse().ok()?;
        let content = words.next()?.to_owned();
        Some((words.next()?.to_owned(), Entry { mode, mtime, content }))
    };
    text.lines().map(line).collect()
}
