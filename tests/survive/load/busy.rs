//! Writers and readers of one workspace, which is named, forked and folded meanwhile; four builds in others; and gc and fsck
//! in a loop, all in one store.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vrift_cas::Digest;
use vrift_tests::installed::run_in;
use vrift_tests::sandbox::Sandbox;

use super::{crowd, this};
use crate::project::Outputs;

/// Builds beside each other.
const BUILDS: usize = 4;

/// What was done.
#[derive(Default)]
pub struct Done {
    /// By writers and readers.
    pub operations: u64,
    /// Whole builds.
    pub builds: u64,
    /// Collections.
    pub collections: u64,
    /// Checks of the whole store.
    pub checks: u64,
    /// Snapshots, each of them forked, and the fork looked at and dropped; and foldings.
    pub forks: u64,
}

/// Runs a command with an end to it: ten times as long as everything here may take.
fn bounded(mut command: Command, seconds: u64) -> Result<Output, String> {
    let limit = Duration::from_secs(seconds * 4 + 240);
    let told = |error: std::io::Error| error.to_string();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(told)?;
    let number = child.id().cast_signed();
    let begun = Instant::now();
    let waiter = std::thread::spawn(move || child.wait_with_output());
    while !waiter.is_finished() {
        if begun.elapsed() > limit {
            for process in crate::processes::below(number) {
                process.kill();
            }
            return Err("hangs".to_owned());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    waiter.join().map_err(|_| "a thread ended".to_owned())?.map_err(told)
}

/// Runs a command, which has to succeed; what it said.
fn ok(command: Command, what: &str, seconds: u64) -> Result<String, String> {
    let said = bounded(command, seconds).map_err(|why| format!("{what}: {why}"))?;
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    match said.status.code() {
        Some(0) => Ok(out.into_owned()),
        _ => Err(format!("{what}: {}: {out} {err}", said.status)),
    }
}

/// All of it, for so long.
pub fn busy(sandbox: &Sandbox, outputs: &Outputs, seconds: u64, seed: u64) -> Result<Done, String> {
    let made = |what: &str| ok(run_in(sandbox, ".", what.split(' ')), what, seconds).map(drop);
    for build in 0..BUILDS {
        made(&format!("fork w b{build}"))?;
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    let [collections, checks, builds, forks] = [const { AtomicU64::new(0) }; 4];
    let looped = |what: &str, counter: &AtomicU64| -> Result<(), String> {
        while Instant::now() < until {
            ok(run_in(sandbox, ".", what.split(' ')), what, seconds)?;
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    let crowd = std::thread::scope(|scope| -> Result<crowd::Done, String> {
        let mut threads = vec![
            scope.spawn(|| looped("gc --grace 0s", &collections)),
            scope.spawn(|| looped("fsck", &checks)),
            scope.spawn(|| {
                // A last one behind the end of the time would have nobody beside it.
                while Instant::now() < until {
                    one_fork(sandbox, forks.load(Ordering::Relaxed), seconds)?;
                    forks.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }),
        ];
        let (builds, outputs) = (&builds, &outputs);
        for build in 0..BUILDS {
            threads.push(scope.spawn(move || {
                while Instant::now() < until {
                    one_build(sandbox, outputs, build, seconds)?;
                    builds.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }));
        }
        let at = sandbox.path("crowd").display().to_string();
        let mut crowd = run_in(sandbox, "crowd", ["run", "-w", "crowd", "--"]);
        crowd.arg(this()).args(["crowd", &at, &seconds.to_string(), &seed.to_string()]);
        let said = ok(crowd, "writers and readers", seconds);
        for thread in threads {
            thread.join().map_err(|_| "a thread ended".to_owned())??;
        }
        crowd::Done::parse(&said?).ok_or("writers and readers said nothing".to_owned())
    })?;
    // Twice, for what is in the trash goes with the second one.
    for what in ["gc --grace 0s", "gc --grace 0s", "fsck"] {
        made(what)?;
    }
    let found = look(sandbox, "crowd", seconds)?;
    if found != crowd.left {
        return Err(format!("writers have left {:?}, and there is {found:?}", crowd.left));
    }
    let of = |counter: AtomicU64| counter.into_inner();
    let (builds, collections, checks, forks) = (of(builds), of(collections), of(checks), of(forks));
    Ok(Done { operations: crowd.operations, builds, collections, checks, forks })
}

/// What writers have left, as a program in a workspace sees it: all of it whole.
fn look(sandbox: &Sandbox, workspace: &str, seconds: u64) -> Result<crowd::Left, String> {
    let at = sandbox.path("crowd").display().to_string();
    let mut check = run_in(sandbox, "crowd", ["run", "-w", workspace, "--"]);
    check.arg(this()).args(["crowd", "check", &at]);
    let said = ok(check, &format!("what is in {workspace}"), seconds)?;
    let done = crowd::Done::parse(&said).ok_or(format!("{workspace}: {said}"))?;
    Ok(done.left)
}

/// Names the state that the writers are in, and folds what led to it. A fork of that state has whole files only, and the same
/// ones when it is looked at again.
fn one_fork(sandbox: &Sandbox, number: u64, seconds: u64) -> Result<(), String> {
    let made = |what: &str| ok(run_in(sandbox, ".", what.split(' ')), what, seconds).map(drop);
    let fork = format!("fork-{number}");
    made(&format!("snapshot crowd named-{number}"))?;
    made(&format!("fork crowd@named-{number} {fork}"))?;
    let found = look(sandbox, &fork, seconds)?;
    made("compact crowd")?;
    let again = look(sandbox, &fork, seconds)?;
    if found != again {
        return Err(format!("{fork} had {found:?}, and has {again:?}"));
    }
    made(&format!("drop {fork}"))
}

/// One build from its sources, and each of its outputs as a program sees it beside native's.
fn one_build(
    sandbox: &Sandbox,
    outputs: &Outputs,
    build: usize,
    seconds: u64,
) -> Result<(), String> {
    let names: Vec<&str> = outputs.keys().map(String::as_str).collect();
    let name = format!("b{build}");
    let script = format!("rm -f {0}; make >&2 && cp --parents {0} \"$TO\"", names.join(" "));
    let to = sandbox.path(format!("built-{build}"));
    let _ = fs::remove_dir_all(&to);
    fs::create_dir(&to).map_err(|error| error.to_string())?;
    let mut command = run_in(sandbox, "project", ["run", "-w", &name, "--", "sh", "-ec", &script]);
    command.env("TO", &to).env("LC_ALL", "C");
    ok(command, &format!("build {build}"), seconds)?;
    for (name, wanted) in outputs {
        let bytes = fs::read(to.join(name)).map_err(|error| format!("{name}: {error}"))?;
        if Digest::of(&bytes).to_string() != *wanted {
            return Err(format!("build {build}: {name} is not native's"));
        }
    }
    Ok(())
}
