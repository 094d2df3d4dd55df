//! The command as it is installed: with the library beside it that `vrift run` preloads.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::sandbox::{Said, Sandbox, said, vrift};

const LIBRARY: &str = "libvrift_shim.so";

struct Installed {
    directory: tempfile::TempDir,
    real: bool,
}

/// Before the number of the process that it is of.
const PREFIX: &str = "vrift-installed.";

/// What lives as long as a process is not removed when that ends: so the next one removes it.
fn remove_left_over() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('.').next());
        if process.is_some_and(|number| !Path::new("/proc").join(number).exists()) {
            // Another one may be doing the same, or it may be another user's.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn installed() -> &'static Installed {
    static INSTALLED: OnceLock<Installed> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        remove_left_over();
        let prefix = format!("{PREFIX}{}.", std::process::id());
        let directory = tempfile::Builder::new().prefix(&prefix).tempdir();
        let directory = directory.expect("the temporary directory can be written");
        fs::copy(vrift(), directory.path().join("vrift")).expect("the command can be copied");
        let library = library();
        let real = library.is_some();
        let from = library.unwrap_or_else(harmless);
        fs::copy(from, directory.path().join(LIBRARY)).expect("a library can be copied");
        Installed { directory, real }
    })
}

/// The library that was built with the command, or for release.
fn library() -> Option<PathBuf> {
    let beside = vrift().parent()?;
    let places = [beside.join(LIBRARY), beside.join("../release").join(LIBRARY)];
    places.into_iter().find(|path| path.is_file())
}

/// A library that changes nothing in a program: one that this test has loaded anyway.
fn harmless() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").expect("a test knows what it is made of");
    let paths = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let mut paths = paths.filter(|path| path.contains("/libc.so") || path.contains("/libc-"));
    PathBuf::from(paths.next().expect("a test needs the C library"))
}

/// The command, with a library beside it.
pub fn command() -> PathBuf {
    installed().directory.path().join("vrift")
}

/// Whether the library is the real one: without it, programs see the real files, and a test has tried less than it says.
pub fn is_real() -> bool {
    let real = installed().real;
    if !real {
        println!("skipped: there is no library to be preloaded");
    }
    real
}

/// `vrift` as it is installed, to be run in a directory of the sandbox.
pub fn run_in<I>(sandbox: &Sandbox, directory: impl AsRef<Path>, arguments: I) -> Command
where
    I: IntoIterator<Item: AsRef<OsStr>>,
{
    let template = sandbox.command(directory, [""; 0]);
    let mut run = Command::new(command());
    run.args(arguments).stdin(std::process::Stdio::null());
    in_place_of(&template, &mut run);
    run
}

/// The same call by way of another program: `before`, whose last word is followed by those of `call`.
pub fn called_by(before: &[&str], call: &Command) -> Command {
    let mut words =
        before.iter().map(OsStr::new).chain([call.get_program()]).chain(call.get_args());
    let mut caller = Command::new(words.next().unwrap_or_default());
    caller.args(words).stdin(std::process::Stdio::null());
    in_place_of(call, &mut caller);
    caller
}

/// Gives `to` the directory and the environment of `from`.
fn in_place_of(from: &Command, to: &mut Command) {
    if let Some(directory) = from.get_current_dir() {
        to.current_dir(directory);
    }
    for (name, value) in from.get_envs() {
        match value {
            Some(value) => to.env(name, value),
            None => to.env_remove(name),
        };
    }
}

/// Runs `vrift run -w w -- WORDS`, and says what came of it.
pub fn run<I>(sandbox: &Sandbox, words: I) -> Said
where
    I: IntoIterator<Item: AsRef<OsStr>>,
{
    said(run_in(sandbox, ".", ["run", "-w", "w", "--"]).args(words))
}

/// A sandbox with a workspace `w`, ingested from the directory `project`.
pub fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("project/file", "content\n");
    sandbox.write("project/sub/below", "below\n");
    sandbox.ok(["ingest", "project", "--name", "w"]);
    sandbox
}
