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

    /// The number behind `name`.
    pub fn number(&self, name: &str, default: u32) -> u32 {
        self.value(name).and_then(|text| text.parse().ok()).unwrap_or(default)
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
