//! Starting programs, and ending them when this one is to end.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::scratch::Scratch;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::output::names;

/// How often a child is looked at, and how long one has to end that was told to.
const SOON: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(3);

/// How a program ended and what it said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: Vec<u8>,
}

impl Said {
    /// Whether it ended with 0.
    pub fn is_good(&self) -> bool {
        self.code == Some(0)
    }

    /// How it ended, and the first line that it said of that.
    pub fn why(&self) -> String {
        let ended = match (self.code, self.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("ended by signal {signal}"),
            (None, None) => "ended".to_owned(),
        };
        let mut lines = self.err.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        match lines.next() {
            Some(line) => format!("{ended}: {}", names::shown(line)),
            None => ended,
        }
    }
}

/// Runs a program in the scratch directory to its end, with the scratch store.
pub fn run(scratch: &Scratch, command: &mut Command) -> Result<Said> {
    let (out, err) = (scratch.path("out"), scratch.path("err"));
    let made = |path: &Path| File::create(path).map_err(|error| Error::at("create", path, error));
    command.stdin(Stdio::null()).stdout(made(&out)?).stderr(made(&err)?).process_group(0);
    command.env("VRIFT_HOME", scratch.path("store")).env("TMPDIR", scratch.path("tmp"));
    if let Some(runtime) = scratch.runtime_directories().first() {
        command.env("XDG_RUNTIME_DIR", runtime);
    }
    let program = Path::new(command.get_program()).to_owned();
    let mut child = command.spawn().map_err(|error| Error::at("run", &program, error))?;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {}
            Err(error) => return Err(Error::at("wait for", &program, error)),
        }
        if let Err(error) = interrupt::check() {
            end(&mut child);
            return Err(error);
        }
        sleep(SOON);
    };
    let read = |path: &Path| fs::read(path).unwrap_or_default();
    let (out, err) = (read(&out), read(&err));
    Ok(Said { code: status.code(), signal: status.signal(), out, err })
}

/// Tells a child and what it has started to end.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let tell = |signal| group.map(|group| kill_process_group(group, signal));
    tell(Signal::TERM);
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && matches!(child.try_wait(), Ok(None)) {
        sleep(SOON);
    }
    tell(Signal::KILL);
    let _ = child.wait();
}
