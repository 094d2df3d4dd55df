//! Row `environment`: a build where something is missing has native's bytes, or says what is missing; and the store is
//! whole, and goes on, when it is there again.

mod cases;

use std::fs;
use std::process::{Command, Stdio};

use vrift_tests::installed;
use vrift_tests::sandbox::Sandbox;

use crate::existing;
use crate::options::Options;
use crate::picture::{Picture, of_directory};
use crate::project::{self, Outputs};
use crate::tally::Tally;
use cases::{CASES, Case};

const ROW: &str = "environment";
const SCRIPT: &str = include_str!("case.sh");

/// Tests that there are of the same kind.
const TESTS: &[(&str, &str, &str)] = &[
    ("vrift-tests", "it", "limits::"),
    ("vrift-manifest", "workspace", "full::a_limit_on_the_size_of_files_kills_nobody"),
    ("vrift-manifest", "session", "full::"),
];

/// Scripts of `tests/compliance`.
const SCRIPTS: &[&str] = &[
    "test_changed_user",
    "test_threads_small_stacks",
    "test_very_small_stacks",
    "test_exec_on_very_small_stacks",
    "test_no_descriptors",
    "test_damaged_workspace",
];

/// Every case once. With `--cases N --seed S` only N, from the S-th on.
pub fn row(options: &Options) -> bool {
    let mut tally = Tally::new(ROW);
    let outputs = match project::native() {
        Ok(outputs) => outputs,
        Err(why) => {
            println!("{why}");
            return false;
        }
    };
    let all = options.cases == u64::MAX;
    let first = if all { 0 } else { usize::try_from(options.seed).unwrap_or(1).max(1) - 1 };
    let cases = usize::try_from(options.cases).unwrap_or(usize::MAX);
    for (number, case) in CASES.iter().enumerate().skip(first).take(cases) {
        let seed = number as u64 + 1;
        let sandbox = Sandbox::new();
        match one(case, &sandbox, &outputs) {
            Ok(Some(told)) => {
                println!("{}: {told}", case.name);
                tally.tested += 1;
            }
            Ok(None) => {}
            Err(why) => {
                tally.tested += 1;
                let kept = sandbox.keep();
                tally.violated(seed, &format!("{}: {why}", case.name), Some(&kept));
            }
        }
    }
    if all {
        existing::tests(TESTS, &mut tally);
        existing::scripts(SCRIPTS, &mut tally);
        existing::full_disks(&mut tally);
    }
    tally.say()
}

/// What came of it; `None`: it cannot be tried here.
fn one(case: &Case, sandbox: &Sandbox, outputs: &Outputs) -> Result<Option<String>, String> {
    project::write(&sandbox.path("project")).map_err(|error| error.to_string())?;
    let script = SCRIPT
        .replace("\nPREPARE\n", &format!("\n{}\n", case.prepare))
        .replace("\nBEFORE\n", &format!("\n{}\n", case.before))
        .replace("\nAFTER\n", &format!("\n{}\n", case.after))
        .replace("    LIMIT\n", &format!("    {}\n", case.limit));
    let root = rustix::process::geteuid().is_root();
    let mut command = Command::new("timeout");
    command.args(["-k", "5", "300", "unshare", if root { "-m" } else { "-rm" }]);
    command.args(["sh", "-c", &script]).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VRIFT") {
            command.env_remove(name);
        }
    }
    command
        .env("ROOM", sandbox.path("."))
        .env("V", installed::command())
        .env("INSIDE", case.inside);
    command.env("HOME", sandbox.path("home"));
    let said = command.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let err = String::from_utf8_lossy(&said.stderr);
    if let Some(why) = text.lines().find_map(|line| line.strip_prefix("skip ")) {
        println!("{}: left out, {why}", case.name);
        return Ok(None);
    }
    if err.contains("unshare:") {
        println!("{}: left out, {}", case.name, err.trim());
        return Ok(None);
    }
    if !said.status.success() {
        return Err(format!("{}: {text} {err}", said.status));
    }
    let code = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<i32>().ok())
    };
    let (Some(native), Some(ours)) = (code("native "), code("ours ")) else {
        return Err(format!("it said: {text} {err}"));
    };
    judge(case, sandbox, outputs, native, ours).map(Some)
}

fn judge(
    case: &Case,
    sandbox: &Sandbox,
    outputs: &Outputs,
    native: i32,
    ours: i32,
) -> Result<String, String> {
    let read = |name: &str| fs::read_to_string(sandbox.path(name)).unwrap_or_default();
    let (said, native_said) = (read("said"), read("native.said"));
    let look = |name: &str| of_directory(&sandbox.path(name)).map_err(|error| error.to_string());
    let (found, last) = (look("out")?, look("final")?);
    right("in the end", &last, outputs, true)?;
    right("after the build", &found, outputs, ours == 0)?;
    for (path, entry) in look("project")? {
        if last.get(&path).is_none_or(|found| found.content != entry.content) {
            return Err(format!("the source {path} is another one"));
        }
    }
    if ours == 0 {
        return Ok("native's bytes".to_owned());
    }
    for word in ["Segmentation fault", "Bus error", "Aborted", "panicked", "Illegal instruction"] {
        if said.contains(word) && !native_said.contains(word) {
            return Err(format!("exit code {ours}, {word}: {said}"));
        }
    }
    if (129..=159).contains(&ours) {
        return Err(format!("ended by signal {}: {said}", ours - 128));
    }
    if case.succeeds && native == 0 {
        return Err(format!("it succeeds natively; here exit code {ours}: {said}"));
    }
    // The one that says most: an error, else whatever it is.
    let words = ["rror", "annot", "o space", "vrift:", "Read-only"];
    let is_error = |line: &&str| words.iter().any(|word| line.contains(word));
    let why = said.lines().find(is_error).or(said.lines().find(|line| !line.trim().is_empty()));
    match why {
        Some(why) => Ok(format!("exit code {ours} (natively {native}): {why:.110}")),
        None => Err(format!("exit code {ours}, and not a word")),
    }
}

/// Each output that is there is native's, and `all` are there.
fn right(when: &str, found: &Picture, outputs: &Outputs, all: bool) -> Result<(), String> {
    for (path, wanted) in outputs {
        match found.get(path) {
            Some(entry) if entry.content != *wanted => {
                return Err(format!("{when}: {path} is not native's"));
            }
            None if all => return Err(format!("{when}: {path} is not there")),
            _ => {}
        }
    }
    Ok(())
}
