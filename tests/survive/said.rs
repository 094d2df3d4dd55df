//! Running the command as a user does, with an end to it.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use vrift_tests::installed;
use vrift_tests::sandbox::Sandbox;

use crate::processes::Ended;
use crate::watch::LONG;

/// What a command said.
pub struct Said {
    /// `None`: a signal ended it.
    pub code: Option<i32>,
    /// All that it said.
    pub text: String,
}

/// `vrift` with words, in a directory of the sandbox; what it says goes to the sandbox's file `said`.
pub fn vrift(sandbox: &Sandbox, directory: &Path, words: &[String]) -> Command {
    let mut command = installed::run_in(sandbox, directory, words);
    let temporary = sandbox.path("temporary");
    // What killed compilers leave there is nobody's business.
    let _ = std::fs::create_dir_all(&temporary);
    command.env("TMPDIR", temporary).env("LOG", sandbox.path("log")).env("LC_ALL", "C");
    to_file(&mut command, &sandbox.path("said"));
    command
}

fn to_file(command: &mut Command, path: &Path) {
    let file = File::create(path).expect("the sandbox can be written");
    let other = file.try_clone().expect("a descriptor");
    command.stdin(Stdio::null()).stdout(file).stderr(other);
}

/// Starts a command; its number. It is waited for with whatever comes of it.
#[allow(clippy::zombie_processes, reason = "`Ended` waits for it")]
pub fn start(command: &mut Command) -> i32 {
    command.spawn().expect("it can be started").id().cast_signed()
}

/// What was said to the sandbox's file.
pub fn heard(sandbox: &Sandbox) -> String {
    let bytes = std::fs::read(sandbox.path("said")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Runs `vrift` to its end, and until nobody whom it has started is left.
pub fn run(sandbox: &Sandbox, directory: &Path, words: &[String]) -> Result<Said, String> {
    let first = start(&mut vrift(sandbox, directory, words));
    let mut ended = Ended::default();
    let waited = ended.wait_for_all(first, Instant::now() + LONG);
    let text = heard(sandbox);
    waited.map_err(|why| format!("vrift {}: {why}; said: {text}", words.join(" ")))?;
    Ok(Said { code: ended.first.flatten(), text })
}

/// The same; it has to succeed. What it said.
pub fn ok(sandbox: &Sandbox, directory: &Path, words: &[&str]) -> Result<String, String> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let said = run(sandbox, directory, &words)?;
    match said.code {
        Some(0) => Ok(said.text),
        code => Err(format!("vrift {}: exit code {code:?}: {}", words.join(" "), said.text)),
    }
}
