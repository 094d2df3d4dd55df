//! The processes that made a history.

use std::collections::HashMap;

use vrift_manifest::journal::Operation;
use vrift_manifest::time::Timestamp;
use vrift_manifest::workspace::{Entry, Workspace};

use crate::output::{Row, names};

/// Parents told of a process.
const PARENTS: usize = 32;

/// A process as its record tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The record's number.
    pub seq: u64,
    /// When it made its first change.
    pub time: Timestamp,
    /// Its parent's record, or 0.
    pub parent: u64,
    /// Its number then.
    pub pid: u32,
    /// The program's path.
    pub program: Vec<u8>,
    /// Its arguments.
    pub arguments: Vec<Vec<u8>>,
    /// Its working directory.
    pub directory: Vec<u8>,
}

impl Process {
    /// The process that a record tells of, if it does.
    pub fn of(entry: &Entry<'_>) -> Option<Process> {
        let Operation::Process { parent, pid, program, arguments, directory } =
            entry.record.operation
        else {
            return None;
        };
        Some(Process {
            seq: entry.seq,
            time: entry.record.time,
            parent,
            pid,
            program: program.to_vec(),
            arguments: split(arguments),
            directory: directory.to_vec(),
        })
    }

    /// `cc[4711]`.
    pub fn short(&self) -> String {
        let name = self.program.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        format!("{}[{}]", names::shown(name), self.pid)
    }

    /// The command line as a shell would be given it.
    pub fn command_line(&self) -> String {
        self.arguments.iter().map(|argument| quoted(argument)).collect::<Vec<_>>().join(" ")
    }

    /// Its members in JSON.
    pub fn row(&self, row: Row) -> Row {
        // Arguments that are not text must not be lost either.
        let lossy = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let row = row
            .with("process", self.seq)
            .with("pid", self.pid)
            .name("program", &self.program)
            .with("arguments", self.arguments.iter().map(lossy).collect::<Vec<_>>());
        let all_text = self.arguments.iter().all(|argument| std::str::from_utf8(argument).is_ok());
        let row = match all_text {
            true => row,
            false => {
                let hex: Vec<_> = self.arguments.iter().map(|text| names::hex(text)).collect();
                row.with("arguments_hex", hex)
            }
        };
        row.name("directory", &self.directory).with("parent", self.parent)
    }
}

fn split(arguments: &[u8]) -> Vec<Vec<u8>> {
    let whole = arguments.strip_suffix(b"\0").unwrap_or(arguments);
    match arguments.is_empty() {
        true => Vec::new(),
        false => whole.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect(),
    }
}

/// Program and arguments on one line.
pub fn command(program: &[u8], arguments: &[u8]) -> String {
    let arguments = split(arguments);
    let rest = arguments.iter().skip(1).map(|argument| quoted(argument));
    [names::shown(program).to_string()].into_iter().chain(rest).collect::<Vec<_>>().join(" ")
}

fn quoted(argument: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./=:,+@%".contains(byte);
    let shown = names::shown(argument).to_string();
    match !argument.is_empty() && argument.iter().all(plain) {
        true => shown,
        false => format!("'{}'", shown.replace('\'', "'\\''")),
    }
}

/// The processes that are known so far.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<u64, Option<Process>>,
}

impl Processes {
    /// Takes in a record, if it tells of a process.
    pub fn learn(&mut self, entry: &Entry<'_>) {
        if let Some(process) = Process::of(entry) {
            self.known.insert(entry.seq, Some(process));
        }
    }

    /// The process of the record `seq`; looked up in the journal if it was not seen. History may have forgotten it.
    pub fn get(&mut self, workspace: &Workspace, seq: u64) -> Option<&Process> {
        if seq == 0 {
            return None;
        }
        self.known
            .entry(seq)
            .or_insert_with(|| {
                let mut found = None;
                // A damaged journal is told of elsewhere; here it only means that the process is not known.
                let _ = workspace.for_each_record(seq, seq, |entry| {
                    found = Process::of(entry);
                    false
                });
                found
            })
            .as_ref()
    }

    /// `cc[4711]`; `-` for what no process did.
    pub fn short(&mut self, workspace: &Workspace, seq: u64) -> String {
        match (seq, self.get(workspace, seq)) {
            (0, _) => "-".to_owned(),
            (_, Some(process)) => process.short(),
            (seq, None) => format!("#{seq}"),
        }
    }

    /// The parents of a process, nearest first, as far as they are known.
    pub fn parents(&mut self, workspace: &Workspace, process: &Process) -> Vec<Process> {
        let mut found = Vec::new();
        let mut next = process.parent;
        while let Some(parent) = self.get(workspace, next).cloned() {
            // Parents come before their children, so this ends; a hostile journal ends at the bound.
            next = parent.parent;
            found.push(parent);
            if found.len() == PARENTS {
                break;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_quoted_where_a_shell_needs_it() {
        assert_eq!(
            command(b"/bin/sh", b"sh\0-c\0echo 'hi'\0\0"),
            "/bin/sh -c 'echo '\\''hi'\\''' ''"
        );
        assert_eq!(command(b"/bin/true", b""), "/bin/true");
    }
}
