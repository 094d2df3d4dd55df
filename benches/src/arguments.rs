//! The command line: names with a value behind them.

use std::io;
use std::path::PathBuf;

/// The arguments.
pub struct Arguments(pub Vec<String>);

impl Arguments {
    /// What stands behind `name`.
    pub fn value(&self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|argument| argument == name)?;
        self.0.get(place + 1).cloned()
    }

    /// Whether it is there.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|argument| argument == name)
    }

    /// The number behind `name`.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.value(name)?.parse().ok()
    }

    /// The command that is measured.
    pub fn vrift(&self) -> io::Result<PathBuf> {
        let path = self.value("--vrift").unwrap_or_else(|| "target/release/vrift".to_owned());
        let path = PathBuf::from(path);
        path.canonicalize()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    /// Where everything is written.
    pub fn room(&self) -> PathBuf {
        self.value("--room").map_or_else(std::env::temp_dir, PathBuf::from)
    }
}
