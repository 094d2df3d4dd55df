//! What a directory shows to a program: every entry with all that it says, or the error that it gives.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;

use vrift_cas::Digest;

/// One line for each path.
pub type Picture = BTreeMap<String, String>;

/// How a line begins that stands for an error.
pub const ERROR: &str = "error ";

/// Looks at everything below a directory.
pub fn look(directory: &Path) -> Picture {
    let mut found = Picture::new();
    below(directory, "", &mut found);
    found
}

/// The same, printed by a process of its own.
pub fn show(words: &[String]) -> ExitCode {
    for (path, line) in look(Path::new(words.first().map_or(".", String::as_str))) {
        println!("{path}\t{line}");
    }
    ExitCode::SUCCESS
}

/// What such a process has printed.
pub fn parse(text: &str) -> Picture {
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    lines.map(|(path, line)| (path.to_owned(), line.to_owned())).collect()
}

fn below(directory: &Path, name: &str, found: &mut Picture) {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            found.insert(name.to_owned(), told(&error));
            return;
        }
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found.insert(name.to_owned(), told(&error));
                return;
            }
        };
        let own = entry.file_name().to_string_lossy().into_owned();
        let own = if name.is_empty() { own } else { format!("{name}/{own}") };
        let path = entry.path();
        let line = one(&path).unwrap_or_else(|error| told(&error));
        let is_directory = line.starts_with("directory");
        found.insert(own.clone(), line);
        if is_directory {
            below(&path, &own, found);
        }
    }
}

fn told(error: &io::Error) -> String {
    format!("{ERROR}{}", error.raw_os_error().unwrap_or(0))
}

fn one(path: &Path) -> io::Result<String> {
    let stat = path.symlink_metadata()?;
    let mode = stat.mode() & 0o7777;
    Ok(if stat.is_dir() {
        format!("directory {mode:o}")
    } else if stat.is_symlink() {
        format!("link {}", fs::read_link(path)?.display())
    } else {
        let time = (stat.mtime(), stat.mtime_nsec());
        let content = Digest::of(&fs::read(path)?);
        format!("file {mode:o} {} {}.{:09} {content}", stat.len(), time.0, time.1)
    })
}
