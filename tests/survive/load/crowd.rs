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
        Ok(operations) => {
            println!("operations {operations}");
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
fn all(at: &str, seconds: &str, seed: &str) -> Result<u64, String> {
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
    let (mut operations, mut wrong) = (0, Vec::new());
    for child in children {
        let said = child.wait_with_output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        match text.strip_prefix("operations ").and_then(|text| text.trim().parse::<u64>().ok()) {
            Some(number) if said.status.success() => operations += number,
            _ => wrong.push(format!("{}: {}", said.status, text.trim())),
        }
    }
    if wrong.is_empty() { Ok(operations) } else { Err(wrong.join("; ")) }
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
fn writer(at: &str, until: Instant, seed: &str) -> Result<u64, String> {
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
    for (name, bytes) in &there {
        let read = fs::read(own.join(name)).map_err(told("read in the end", &own.join(name)))?;
        if read != *bytes {
            return Err(format!("{name} is not what was written, in the end"));
        }
    }
    Ok(operations)
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect()
}

/// Whether a file has a digest in its first line.
fn is_told(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("file-"))
}

/// Reads what others write.
fn reader(at: &str, until: Instant, seed: &str) -> Result<u64, String> {
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
    Ok(operations)
}

/// Every file of all writers, once.
fn check(at: &Path) -> Result<u64, String> {
    let mut files = 0;
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
                files += 1;
            }
        }
    }
    Ok(files)
}

/// Changes the tree for ever, so that somebody nearly always has the lock.
fn hammer(at: &Path, name: &str) -> Result<u64, String> {
    let (from, to) = (at.join(format!("{name}.from")), at.join(format!("{name}.to")));
    loop {
        fs::create_dir(&from).map_err(told("mkdir", &from))?;
        fs::rename(&from, &to).map_err(told("rename", &to))?;
        fs::remove_dir(&to).map_err(told("rmdir", &to))?;
    }
}

/// Reads a little of the tree for each line that it is told, and says so.
fn server(at: &Path) -> Result<u64, String> {
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
    Ok(operations)
}

/// A file that says of itself whether it is whole.
pub fn write_told(path: &Path, body: &str) -> io::Result<()> {
    fs::write(path, format!("{}\n{body}", Digest::of(body.as_bytes())))
}
