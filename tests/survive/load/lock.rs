//! Who has the lock is stopped, or killed: readers go on, and the next writer has it soon.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use vrift_manifest::handover::Handover;
use vrift_tests::fixture::Fixture;
use vrift_tests::installed::{self, run_in};
use vrift_tests::sandbox::Sandbox;

use super::crowd::write_told;
use super::{Latencies, this};
use crate::kills::LockWord;
use crate::processes::Process;

/// Longer than this nobody waits but for ever: what a reader asks takes a hundred microseconds.
const FOR_EVER: Duration = Duration::from_secs(20);

/// What came of it.
#[derive(Default)]
pub struct Found {
    /// Owners of the lock that were stopped.
    pub stopped: u64,
    /// Owners of the lock that were killed.
    pub killed: u64,
    /// What a reader took while the owner stood still.
    pub beside_stopped: Latencies,
    /// What a reader took when the owner was dead, and nobody had the lock.
    pub beside_dead: Latencies,
    /// From a kill to the next change by another process.
    pub hand_over: Latencies,
}

/// A program that answers each line.
struct Server {
    process: Child,
    asked: ChildStdin,
    answers: Receiver<String>,
}

impl Server {
    fn start(sandbox: &Sandbox) -> Server {
        let at = sandbox.path("crowd").display().to_string();
        let mut command = run_in(sandbox, "crowd", ["run", "-w", "crowd", "--"]);
        command.arg(this()).args(["crowd", "server", &at]).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("it can be started");
        let (say, answers) = channel();
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| say.send(line)));
        let asked = process.stdin.take().expect("piped");
        Server { process, asked, answers }
    }

    /// How long an answer takes.
    fn ask(&mut self) -> Result<Duration, String> {
        let begun = Instant::now();
        writeln!(self.asked, "go").map_err(|error| format!("the reader is gone: {error}"))?;
        match self.answers.recv_timeout(FOR_EVER) {
            Ok(line) if line.parse::<u64>().is_ok() => Ok(begun.elapsed()),
            Ok(line) => Err(line),
            Err(RecvTimeoutError::Timeout) => Err("the reader waits".to_owned()),
            Err(RecvTimeoutError::Disconnected) => Err("the reader has ended".to_owned()),
        }
    }
}

/// A writer, which is told its workspace as `vrift run` tells it: the run itself would stop with a command that is stopped.
fn hammer(sandbox: &Sandbox, session: &str, number: u64) -> Child {
    let at = sandbox.path("crowd").display().to_string();
    let mut command = Command::new(this());
    command.args(["crowd", "hammer", &at, &format!("h{number}")]).env("VRIFT_SESSION", session);
    command.env("LD_PRELOAD", installed::command().with_file_name("libvrift_shim.so"));
    command.env("VRIFT_HOME", sandbox.path("store")).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("it can be started")
}

/// A tree with files to read.
pub fn prepare(sandbox: &Sandbox) {
    let crowd = sandbox.path("crowd");
    fs::create_dir(&crowd).expect("the sandbox can be written");
    for file in 0..20 {
        let body = format!("of file {file}\n").repeat(file * 10);
        write_told(&crowd.join(format!("file-{file}")), &body).expect("the sandbox can be written");
    }
    sandbox.ok(["ingest", "crowd", "--name", "crowd"]);
}

/// Stops and kills owners until the time is over.
pub fn stop_and_kill(sandbox: &Sandbox, until: Instant, found: &mut Found) -> Result<(), String> {
    let control = sandbox.path("store/workspaces/crowd/control");
    let page = fs::File::open(&control).map_err(|error| error.to_string())?;
    let word = LockWord::of(&control);
    let committed = || {
        let mut bytes = [0; 8];
        page.read_exact_at(&mut bytes, 17 * 8).map(|()| u64::from_le_bytes(bytes)).unwrap_or(0)
    };
    let workspace = Fixture::of(sandbox).open("crowd");
    let session = Handover::of(&workspace).map_err(|error| error.to_string())?.to_text();
    drop(workspace);
    let mut server = Server::start(sandbox);
    let mut done = server.ask().map(drop);
    let (mut number, mut others, mut writers) = (0, false, Vec::new());
    while done.is_ok() && (Instant::now() < until || found.killed < 3) {
        // Alone, so that nobody takes the lock of the dead; and beside another one, who does.
        others = !others;
        while writers.len() < 1 + usize::from(others) {
            number += 1;
            writers.push(hammer(sandbox, &session, number));
        }
        done = one(&word, &committed, &mut server, others, found);
        writers.retain_mut(|writer: &mut Child| matches!(writer.try_wait(), Ok(None)));
        if !others {
            end(&mut writers);
        }
    }
    end(&mut writers);
    drop(server.asked);
    let _ = server.process.wait();
    done
}

fn end(writers: &mut Vec<Child>) {
    for mut writer in writers.drain(..) {
        let _ = writer.kill();
        let _ = writer.wait();
    }
}

/// Catches one who has the lock.
fn catch(word: &LockWord) -> Option<Process> {
    let until = Instant::now() + FOR_EVER;
    while Instant::now() < until {
        let owner = word.owner();
        if owner == 0 {
            continue;
        }
        let Some(process) = Process::of(owner) else { continue };
        if process.stop() && word.owner() == owner {
            return Some(process);
        }
        process.go_on();
    }
    None
}

fn one(
    word: &LockWord,
    committed: &dyn Fn() -> u64,
    server: &mut Server,
    others: bool,
    found: &mut Found,
) -> Result<(), String> {
    let process = catch(word).ok_or("nobody takes the lock: writers wait for ever")?;
    found.stopped += 1;
    for _ in 0..3 {
        let took = server.ask().map_err(|why| format!("beside a stopped writer: {why}"));
        if took.is_err() {
            process.go_on();
        }
        found.beside_stopped.note(took?);
    }
    let before = committed();
    let begun = Instant::now();
    process.kill();
    found.killed += 1;
    if others {
        while committed() == before {
            if begun.elapsed() > FOR_EVER {
                return Err("after a death nobody gets the lock".to_owned());
            }
            // Without taking a processor from who is to have it.
            std::thread::sleep(Duration::from_micros(50));
        }
        found.hand_over.note(begun.elapsed());
    } else {
        let took = server.ask().map_err(|why| format!("beside a dead writer: {why}"))?;
        found.beside_dead.note(took);
    }
    Ok(())
}
