//! Programs in a workspace, run by this program itself: writers that know what they have written, and readers to whom every
//! file says whether it is whole.
//!
//! A file is the digest of what follows, a newline, and what follows. It gets its name when it is whole, so a reader finds
//! it whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use vrift_cas::Digest;
use vrift_tests::random::Random;

/// Writers, and as many readers.
pub const WRITERS: usize = 32;

/// What was done, and what is there when it is over.
#[derive(Default)]
pub struct Done {
    /// By writers and readers.
    pub operations: u64,
    /// By writers; of a check, what is there.
    pub left: Left,
}

/// Files, and a number that tells whether they are the same ones: each with its name and what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Left {
    /// How many.
    pub files: u64,
    /// All of them together, in any order.
    pub sum: u64,
}

impl Left {
    fn add(&mut self, directory: &Path, name: &str, bytes: &[u8]) {
        let directory = directory.file_name().unwrap_or_default().as_encoded_bytes();
        let digest = Digest::of(&[directory, name.as_bytes(), bytes].join(&0)).to_string();
        let number = digest.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        self.files += 1;
        self.sum = self.sum.wrapping_add(number.unwrap_or(0));
    }
}

impl Done {
    fn of(operations: u64) -> Done {
        Done { operations, ..Done::default() }
    }

    /// What one of them has printed.
    pub fn parse(text: &str) -> Option<Done> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let ["operations", operations, "left", files, sum] = words[..] else { return None };
        let left = Left { files: files.parse().ok()?, sum: sum.parse().ok()? };
        Some(Done { operations: operations.parse().ok()?, left })
    }
}

/// `crowd DIRECTORY SECONDS SEED`: all of them, until the time is over; `crowd writer|reader|hammer|server ...`: one.
pub fn crowd(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["writer", at, seconds, seed] => until(seconds).and_then(|until| writer(at, until, seed)),
        ["reader", at, seconds, seed] => until(seconds).and_then(|until| reader(at, until, seed)),
        ["hammer", at, name] => hammer(Path::new(at), name),
        ["server", at] => server(Path::new(at)),
        ["check", at] => check(Path::new(at)),
        [at, seconds, seed] => all(at, seconds, seed),
        _ => Err("no such words".to_owned()),
    };
    match done {
        Ok(Done { operations, left }) => {
            println!("operations {operations} left {} {}", left.files, left.sum);
            ExitCode::SUCCESS
        }
        Err(why) => {
            println!("WRONG {}: {why}", words.join(" "));
            ExitCode::FAILURE
        }
    }
}

fn until(seconds: &str) -> Result<Instant, String> {
    let seconds = seconds.parse().map_err(|why| format!("{seconds}: {why}"))?;
    Ok(Instant::now() + Duration::from_secs(seconds))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|why| format!("{text}: {why}"))
}

/// Why an operation that has to succeed did not.
fn told(what: &str, path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{what} {}: {error}", path.display())
}

/// Starts all, and adds up what they did.
fn all(at: &str, seconds: &str, seed: &str) -> Result<Done, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let seed = number(seed)?;
    let one = |who: &str, index: usize| {
        let seed = (seed * 1000 + index as u64).to_string();
        let words = ["crowd", who, at, seconds, &seed];
        Command::new(&this).args(words).stdout(Stdio::piped()).spawn()
    };
    let mut children = Vec::new();
    for index in 0..WRITERS {
        children.push(one("writer", index).map_err(|error| error.to_string())?);
        children.push(one("reader", index).map_err(|error| error.to_string())?);
    }
    let (mut done, mut wrong) = (Done::default(), Vec::new());
    for child in children {
        let said = child.wait_with_output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        match Done::parse(&text) {
            Some(one) if said.status.success() => {
                done.operations += one.operations;
                done.left.files += one.left.files;
                done.left.sum = done.left.sum.wrapping_add(one.left.sum);
            }
            _ => wrong.push(format!("{}: {}", said.status, text.trim())),
        }
    }
    if wrong.is_empty() { Ok(done) } else { Err(wrong.join("; ")) }
}

fn content(dice: &mut Random, own: u64) -> Vec<u8> {
    // Of a few hundred contents, so that most of what is stored was there before, and is collected meanwhile.
    let which = dice.below(300);
    let own = if dice.chance(300) { own } else { 0 };
    let body = format!("content {which} of {own}\n").repeat(1 + which * which % 700);
    format!("{}\n{body}", Digest::of(body.as_bytes())).into_bytes()
}

/// Whether a file is whole, and all of it right.
fn is_whole(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|&byte| byte == b'\n');
    let Some((digest, body)) = end.map(|end| (&bytes[..end], &bytes[end + 1..])) else {
        return false;
    };
    Digest::of(body).to_string().as_bytes() == digest
}

/// Writes, renames, links and removes in a directory of its own, and knows what is there.
fn writer(at: &str, until: Instant, seed: &str) -> Result<Done, String> {
    let seed = number(seed)?;
    let mut dice = Random::new(seed);
    let own = Path::new(at).join(format!("own-{}", seed % 1000));
    if own.exists() {
        fs::remove_dir_all(&own).map_err(told("remove", &own))?;
    }
    fs::create_dir(&own).map_err(told("mkdir", &own))?;
    let mut there: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut operations = 0;
    while Instant::now() < until {
        operations += 1;
        let some = there.keys().nth(dice.below(there.len())).cloned();
        let name = format!("file-{}", dice.below(25));
        let path = own.join(&name);
        match (dice.below(12), some) {
            (0..=4, _) | (_, None) => {
                let bytes = content(&mut dice, seed);
                let beside = own.join(".t");
                let mut file = File::create(&beside).map_err(told("create", &beside))?;
                file.write_all(&bytes).map_err(told("write", &beside))?;
                drop(file);
                fs::rename(&beside, &path).map_err(told("rename", &path))?;
                there.insert(name, bytes);
            }
            (5 | 6, Some(some)) => {
                fs::remove_file(own.join(&some)).map_err(told("unlink", &own.join(&some)))?;
                there.remove(&some);
            }
            // Two names of one file are left as they are by a rename, and the content does not tell.
            (7, Some(some)) if there.get(&some) != there.get(&name) => {
                fs::rename(own.join(&some), &path).map_err(told("rename", &path))?;
                if let Some(bytes) = there.remove(&some) {
                    there.insert(name, bytes);
                }
            }
            (8, Some(some)) if !there.contains_key(&name) => {
                fs::hard_link(own.join(&some), &path).map_err(told("link", &path))?;
                if let Some(bytes) = there.get(&some).cloned() {
                    there.insert(name, bytes);
                }
            }
            (9, Some(some)) => {
                let (link, directory) = (own.join("link"), own.join("sub"));
                let _ = fs::remove_file(&link);
                symlink(&some, &link).map_err(told("symlink", &link))?;
                fs::create_dir(&directory).map_err(told("mkdir", &directory))?;
                fs::remove_dir(&directory).map_err(told("rmdir", &directory))?;
            }
            (10, Some(_)) => {
                let log = own.join("log");
                let file = File::options().append(true).create(true).open(&log);
                let mut file = file.map_err(told("append", &log))?;
                writeln!(file, "line {operations}").map_err(told("append", &log))?;
            }
            (_, Some(some)) => {
                let read = fs::read(own.join(&some)).map_err(told("read", &own.join(&some)))?;
                if there.get(&some) != Some(&read) {
                    return Err(format!("{some} is not what was written"));
                }
            }
        }
    }
    let mut left = Left::default();
    for (name, bytes) in &there {
        let read = fs::read(own.join(name)).map_err(told("read in the end", &own.join(name)))?;
        if read != *bytes {
            return Err(format!("{name} is not what was written, in the end"));
        }
        left.add(&own, name, bytes);
    }
    Ok(Done { operations, left })
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect()
}

/// Whether a file has a digest in its first line.
fn is_told(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("file-"))
}

/// Reads what others write.
fn reader(at: &str, until: Instant, seed: &str) -> Result<Done, String> {
    let (at, mut dice, mut operations) = (Path::new(at), Random::new(number(seed)?), 0);
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    while Instant::now() < until {
        let directory = at.join(format!("own-{}", dice.below(WRITERS)));
        let paths = match entries(&directory) {
            Ok(paths) => paths,
            Err(error) if gone(&error) => continue,
            Err(error) => return Err(told("list", &directory)(error)),
        };
        operations += 1;
        for _ in 0..10 {
            let Some(path) = paths.get(dice.below(paths.len())) else { break };
            operations += 1;
            match fs::read(path) {
                Ok(bytes) if is_told(path) && !is_whole(&bytes) => {
                    return Err(format!("{} is not whole: {} bytes", path.display(), bytes.len()));
                }
                Err(error) if !gone(&error) && !path.ends_with("sub") => {
                    return Err(told("read", path)(error));
                }
                _ => {}
            }
        }
    }
    Ok(Done::of(operations))
}

/// Every file of all writers, once.
fn check(at: &Path) -> Result<Done, String> {
    let mut left = Left::default();
    for directory in entries(at).map_err(told("list", at))? {
        if !directory.is_dir() {
            continue;
        }
        for path in entries(&directory).map_err(told("list", &directory))? {
            if is_told(&path) {
                let bytes = fs::read(&path).map_err(told("read", &path))?;
                if !is_whole(&bytes) {
                    return Err(format!("{} is not whole", path.display()));
                }
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                left.add(&directory, &name, &bytes);
            }
        }
    }
    Ok(Done { operations: left.files, left })
}

/// Changes the tree for ever, so that somebody nearly always has the lock.
fn hammer(at: &Path, name: &str) -> Result<Done, String> {
    let (from, to) = (at.join(format!("{name}.from")), at.join(format!("{name}.to")));
    loop {
        fs::create_dir(&from).map_err(told("mkdir", &from))?;
        fs::rename(&from, &to).map_err(told("rename", &to))?;
        fs::remove_dir(&to).map_err(told("rmdir", &to))?;
    }
}

/// Reads a little of the tree for each line that it is told, and says so.
fn server(at: &Path) -> Result<Done, String> {
    let mut operations = 0;
    for line in io::stdin().lock().lines() {
        line.map_err(|error| error.to_string())?;
        for path in entries(at).map_err(told("list", at))?.iter().filter(|path| is_told(path)) {
            path.metadata().map_err(told("stat", path))?;
            if !is_whole(&fs::read(path).map_err(told("read", path))?) {
                return Err(format!("{} is not whole", path.display()));
            }
            operations += 3;
        }
        let missing = at.join("no-such-file");
        if missing.exists() {
            return Err("what is not there, is".to_owned());
        }
        println!("{operations}");
    }
    Ok(Done::of(operations))
}

/// A file that says of itself whether it is whole.
pub fn write_told(path: &Path, body: &str) -> io::Result<()> {
    fs::write(path, format!("{}\n{body}", Digest::of(body.as_bytes())))
}
