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
use cases::{CASES, Case, Must};

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
    let Some(outputs) = project::native() else { return false };
    let all = options.cases == u64::MAX;
    let first = if all { 0 } else { usize::try_from(options.seed).unwrap_or(1).max(1) - 1 };
    let cases = usize::try_from(options.cases).unwrap_or(usize::MAX);
    for (number, case) in CASES.iter().enumerate().skip(first).take(cases) {
        let seed = number as u64 + 1;
        let sandbox = Sandbox::new();
        match one(case, &sandbox, &outputs) {
            Ok(Came::Of(told)) => {
                println!("{}: {told}", case.name);
                tally.tested += 1;
            }
            Ok(Came::LeftOut(why)) => tally.left_out(case.name, &why),
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

/// What came of a case that is as it has to be.
enum Came {
    Of(String),
    /// It cannot be tried here, and why.
    LeftOut(String),
}

fn one(case: &Case, sandbox: &Sandbox, outputs: &Outputs) -> Result<Came, String> {
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
        return Ok(Came::LeftOut(why.to_owned()));
    }
    if err.contains("unshare:") {
        return Ok(Came::LeftOut(err.trim().to_owned()));
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
    judge(case, sandbox, outputs, native, ours).map(Came::Of)
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
        return match case.must {
            Must::Refuse(word) => Err(format!("it succeeds, and should have said '{word}'")),
            _ => Ok("native's bytes".to_owned()),
        };
    }
    for word in ["Segmentation fault", "Bus error", "Aborted", "panicked", "Illegal instruction"] {
        if said.contains(word) && !native_said.contains(word) {
            return Err(format!("exit code {ours}, {word}: {said}"));
        }
    }
    if (129..=159).contains(&ours) {
        return Err(format!("ended by signal {}: {said}", ours - 128));
    }
    if native == 0 && matches!(case.must, Must::Succeed) {
        return Err(format!("it succeeds natively; here exit code {ours}: {said}"));
    }
    match said.lines().find(|line| says_why(case, line)) {
        Some(why) => Ok(format!("exit code {ours} (natively {native}): {why:.110}")),
        None => Err(format!("exit code {ours}, and not a word why: {said}")),
    }
}

/// Whether a line says why a build has failed. That it has, says make of whatever it was.
fn says_why(case: &Case, line: &str) -> bool {
    if let Must::Refuse(word) = case.must {
        return line.contains(word);
    }
    let words = ["rror", "annot", "can't", "o space", "oo many", "oo large", "vrift:", "Read-only"];
    let of_make = line.starts_with("make") && line.contains("***");
    !of_make && words.iter().any(|word| line.contains(word))
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
