//! The project's own source tree, read by the tests that hold its rules.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository. The variable is set by cargo when it runs a test, and by the script that runs the
/// tests elsewhere.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().expect("a package lies in the repository").to_path_buf()
}

/// All files of the repository that are ours: not built, not version control's own. Paths are relative to the root.
pub fn files() -> Vec<PathBuf> {
    let (root, mut found) = (root(), Vec::new());
    walk(&root, &root, &mut found);
    assert!(found.len() > 10, "the source tree was not found at {}", root.display());
    found.sort();
    found
}

fn walk(root: &Path, directory: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(directory).expect("the source tree can be read");
    for entry in entries.map(|entry| entry.expect("the source tree can be read")) {
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type().expect("the source tree can be read");
        if kind.is_dir() {
            let built = ["target", ".git", "corpus", "artifacts", "coverage", "__pycache__"];
            if !built.iter().any(|skipped| name == *skipped) {
                walk(root, &path, found);
            }
        } else if kind.is_file() && name != ".git" {
            found.push(path.strip_prefix(root).expect("it was found below").to_path_buf());
        }
    }
}

/// The text of a file of the repository.
pub fn text(path: &Path) -> String {
    let bytes = fs::read(root().join(path)).expect("the source tree can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// All Rust sources.
pub fn rust() -> Vec<(PathBuf, String)> {
    let mut files = files();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.into_iter().map(|path| (path.clone(), text(&path))).collect()
}

/// A line of Rust without its comment and without the contents of its string literals: enough to look for words.
pub fn code(line: &str) -> String {
    let (mut kept, mut quoted, mut escaped) = (String::new(), false, false);
    let mut previous = ' ';
    for letter in line.chars() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = letter == '\\' && !escaped;
            continue;
        }
        if letter == '"' && previous != '\'' {
            quoted = true;
            escaped = false;
        } else if letter == '/' && previous == '/' {
            kept.pop();
            break;
        } else {
            kept.push(letter);
        }
        previous = letter;
    }
    kept
}
