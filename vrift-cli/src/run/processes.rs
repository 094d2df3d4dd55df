//! What the kernel tells of processes, in `/proc`.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::process::Pid;

/// Longer chains of parents are none.
const DEEPEST: usize = 1 << 12;

/// A process as `/proc/PID/stat` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// The name of its program, at most 15 bytes.
    pub name: Vec<u8>,
    /// `R`, `S`, `T`, `Z` ...
    pub state: u8,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
}

impl Process {
    /// The process `pid`, if there is one.
    pub fn of(pid: i32) -> Option<Process> {
        Process::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// `PID (NAME) STATE PARENT GROUP SESSION ...`, where NAME may hold anything.
    fn parse(text: &[u8]) -> Option<Process> {
        let open = text.iter().position(|&byte| byte == b'(')?;
        let close = text.iter().rposition(|&byte| byte == b')')?;
        let number = |text: &str| text.trim().parse::<i32>().ok();
        let behind = std::str::from_utf8(text.get(close + 1..)?).ok()?;
        let mut fields = behind.split_ascii_whitespace();
        let state = fields.next()?.bytes().next()?;
        Some(Process {
            pid: number(std::str::from_utf8(text.get(..open)?).ok()?)?,
            name: text.get(open + 1..close)?.to_vec(),
            state,
            parent: number(fields.next()?)?,
            group: number(fields.next()?)?,
            session: number(fields.next()?)?,
        })
    }

    /// How many filters of calls it has; `None`: the kernel does not say, as before Linux 5.9.
    pub fn filters(&self) -> Option<u32> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let told = text.lines().find_map(|line| line.strip_prefix("Seccomp_filters:"))?;
        told.trim().parse().ok()
    }

    /// The files in `directory` that it can write: by a descriptor, or by memory that is mapped from it.
    pub fn writes_in(&self, directory: &Path) -> Vec<PathBuf> {
        let mut found = self.open_for_writing(directory);
        found.extend(self.mapped_for_writing(directory));
        found.sort();
        found.dedup();
        found
    }

    fn open_for_writing(&self, directory: &Path) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(format!("/proc/{}/fd", self.pid)) else { return Vec::new() };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let Ok(path) = fs::read_link(entry.path()) else { continue };
            if !path.starts_with(directory) {
                continue;
            }
            let number = entry.file_name();
            let about = Path::new("/proc").join(self.pid.to_string()).join("fdinfo").join(number);
            if can_write(&fs::read_to_string(about).unwrap_or_default()) {
                found.push(path);
            }
        }
        found
    }

    fn mapped_for_writing(&self, directory: &Path) -> Vec<PathBuf> {
        let text = fs::read(format!("/proc/{}/maps", self.pid)).unwrap_or_default();
        let directory = directory.as_os_str().as_bytes();
        let mut found = Vec::new();
        for line in text.split(|&byte| byte == b'\n') {
            let rights = line.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
            let Some(path) = line.iter().position(|&byte| byte == b'/') else { continue };
            let path = line.get(path..).unwrap_or_default();
            if rights.contains(&b'w') && rights.contains(&b's') && path.starts_with(directory) {
                found.push(PathBuf::from(std::ffi::OsStr::from_bytes(path)));
            }
        }
        found
    }
}

/// Whether the flags in a `/proc/PID/fdinfo/N` allow writing.
fn can_write(about: &str) -> bool {
    let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & 3 != 0)
}

/// The processes below this one, itself not among them. Those that have ended and wait for somebody to ask are left out.
pub fn descendants() -> Vec<Process> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut all: Vec<Process> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Process::of(entry.file_name().to_str()?.parse().ok()?))
        .filter(|process| process.state != b'Z' && process.state != b'X')
        .collect();
    let mut found = Vec::new();
    let mut next = vec![own];
    while let Some(parent) = next.pop() {
        let (children, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|process| process.parent == parent && process.pid != own);
        next.extend(children.iter().map(|child| child.pid));
        found.extend(children);
        all = others;
    }
    found
}

/// Whether `pid` is below this process.
pub fn is_descendant(pid: Pid) -> bool {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut at = pid.as_raw_nonzero().get();
    for _ in 0..DEEPEST {
        match Process::of(at) {
            Some(process) if process.parent == own => return true,
            Some(process) if process.parent > 1 => at = process.parent,
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_anything() {
        let parsed = Process::parse(b"12 (a) b (c) T 3 4 5 34816 0\n").unwrap();
        assert_eq!(parsed.name, b"a) b (c");
        let numbers = (parsed.pid, parsed.state, parsed.parent, parsed.group, parsed.session);
        assert_eq!(numbers, (12, b'T', 3, 4, 5));
        assert_eq!(Process::parse(b"12"), None);
    }

    #[test]
    fn a_file_that_is_open_for_writing_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        let path = directory.join("1.2");
        let own = Process::of(std::process::id() as i32).unwrap();
        let writing = fs::File::create(&path).unwrap();
        assert_eq!(own.writes_in(&directory), std::slice::from_ref(&path));
        drop(writing);
        let _reading = fs::File::open(&path).unwrap();
        assert_eq!(own.writes_in(&directory), Vec::<PathBuf>::new());
    }
}
