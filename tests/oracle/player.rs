//! The player: built here, asked here what it can do.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

/// One operation that the player knows.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name: the function's, or the harness's own.
    pub name: String,
    /// Its row in the matrix.
    pub family: String,
    /// One letter for each argument; see `generate.rs`.
    pub signature: String,
}

/// The built player and its operations.
pub struct Player {
    /// The program.
    pub program: PathBuf,
    /// All operations.
    pub operations: Vec<Operation>,
}

fn stamp(path: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Compiles the C files of `sources` to `into`, unless that is newer than all of them.
pub fn compile(sources: &[PathBuf], into: &Path, options: &[&str]) -> io::Result<()> {
    let built = stamp(into);
    if built.is_some() && sources.iter().all(|source| stamp(source) < built) {
        return Ok(());
    }
    let said = Command::new("cc")
        .args(["-O1", "-w", "-Wl,--no-warnings", "-fno-builtin", "-U_FORTIFY_SOURCE", "-o"])
        .arg(into)
        .args(sources.iter().filter(|source| source.extension().is_some_and(|e| e == "c")))
        .args(options)
        .output()?;
    if !said.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&said.stderr).into_owned()));
    }
    Ok(())
}

/// All files of a directory, sorted.
pub fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(directory)? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

impl Player {
    /// Builds the player of `sources` in `directory` and asks for its operations.
    pub fn build(sources: &Path, directory: &Path) -> io::Result<Player> {
        let program = directory.join("player");
        compile(&files(sources)?, &program, &["-lpthread"])?;
        Player::built(program)
    }

    /// A player that was built before.
    pub fn built(program: PathBuf) -> io::Result<Player> {
        let said = Command::new(&program).arg("list").output()?;
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let operations = text.lines().filter_map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            let (name, family, signature) = (words.next()?, words.next()?, words.next()?);
            Some(Operation { name, family, signature: signature.replace('-', "") })
        });
        let operations = operations.collect();
        Ok(Player { program, operations })
    }

    /// The operation of a script's line, behind the words that may stand before it.
    pub fn of_line(&self, line: &str) -> Option<&Operation> {
        let mut words = line.split_whitespace();
        let name = words.find(|word| !matches!(*word, "touches" | "forked" | "threaded"))?;
        self.operations.iter().find(|operation| operation.name == name)
    }
}
