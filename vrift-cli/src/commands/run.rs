//! `vrift run -- CMD ...`.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use vrift_manifest::handover::Handover;
use vrift_manifest::workspace::{Home, Workspace};

use crate::error::{Error, Kind, Result};
use crate::home;
use crate::output::{Output, names};
use crate::place::Name;
use crate::run::{
    self, Back, Begun, Closing, Ended, Ends, Environment, Listeners, Message, Part, Program, Run,
    Signals,
};

/// Exit code where the command was not started.
pub const BEFORE: u8 = 125;

/// Run a command in a workspace
///
/// The command, and everything that it starts, finds the workspace's tree at its mount path, whatever is on the disk
/// there: it reads from the store, and what it writes ends in it. The current directory is the same place in the tree;
/// outside of the mount path it is the tree's root.
///
/// Returns when the command has ended and nothing that it started can still write in the tree. Daemons are not waited
/// for; static ones find a process that answers them until they have ended. On a terminal one line then tells what was written, how many processes were seen, and which programs could not
/// be seen (ones that gain rights or are of 32 bits, and static ones where they cannot be answered). Such a program is not
/// started where it would meet with the tree: in it or above it, or with a path of it among its arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: the command's own; 128 and the signal's number if a signal ended it; 125 if the command was \
    not started, 126 if it cannot be executed, 127 if there is none; 1 if it ended with 0 and something it wrote could \
    not be kept, or not be written back, or --verify found damage.\n\n\
    --apply does what `vrift apply` does, for everything that the workspace has changed since the last ingest, sync or \
    apply. If the command ended with anything but 0, nothing is written back: the directory stays as it was, and what the \
    command has left is in the workspace, for `vrift diff`, `vrift apply` or `vrift reset`.\n\n\
    --verify also compares the image of the tree with its digest, and builds the live index anew from the journal, before the \
    command is started. Each process compares each content once, when it first opens it.\n\n\
    Examples:\n  \
    vrift run -- make -j8                      in the workspace of the current directory\n  \
    vrift run -w experiment -- ./configure     in a fork, or from anywhere\n  \
    vrift run -w lua -- bash                   look around\n  \
    vrift run --apply -- make                  what is built is in the directory afterwards"
)]
pub struct Args {
    /// The workspace; that of the current directory if not told
    #[arg(short, long, value_name = "WS")]
    workspace: Option<Name>,

    /// When the command has ended with 0, write what changed in the workspace back to the directory that it came from
    #[arg(long)]
    apply: bool,

    /// Compare what is read with its digest before a program gets it: what is damaged in the store is an error (EIO), and named
    #[arg(long)]
    verify: bool,

    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<OsString>,
}

impl Args {
    /// Runs it, and ends as it did. `back`: this is the process that does the work already.
    pub fn run(self, output: &mut Output<'_>, back: Option<Back>) -> Result<()> {
        // Two processes must not write it.
        output.flush()?;
        self.work(&back.map_or_else(begin, Ok)?)
    }

    /// Runs it, in the process that does the work.
    fn work(self, back: &Back) -> Result<()> {
        let begun = Begun::now();
        let ready = self.ready().map_err(|error| error.exits_with_unless_told(BEFORE))?;
        let signals = Signals::take(Some(back.front()))
            .map_err(|error| error.exits_with_unless_told(BEFORE))?;
        if io::stderr().is_terminal() {
            // What is written is told at the end.
            begun.wait_for_a_tick();
        }
        let command = ready.spawn(&self.command, &signals)?;
        back.go_apart();
        let listeners = ready.listeners.as_ref();
        let ended = run::supervise(command, back, &signals, listeners, &ready.handover.drafts());
        let answers = listeners.is_some_and(|listeners| {
            listeners.take();
            listeners.are_used()
        });
        let kept = ready.close(&ended, begun, answers, back.is_alone());
        let stays = |how: Message| match listeners.filter(|_| answers) {
            Some(listeners) => ready.stay(back, how, &signals, listeners),
            None => Ok(()),
        };
        if ended.interrupted {
            // A script that called us is to end as well.
            if answers {
                return stays(Message::Signal(Signal::INT.as_raw()));
            }
            signals.die_of(Signal::INT);
        }
        let kept = match kept {
            // Who was killed is not to change directories afterwards.
            Ok(true) if self.apply && !back.is_alone() => {
                crate::interrupt::watch();
                back.takes_signals();
                signals.give_back();
                ready.apply(ended.code)
            }
            kept => kept,
        };
        let done = match kept {
            Ok(true) if ended.code == 0 => Ok(()),
            Ok(true) => Err(Error::incomplete().exits_with(ended.code)),
            Ok(false) => Err(Error::incomplete().exits_with(ended.code.max(1))),
            Err(error) if error.is_interruption() => Err(error),
            Err(error) => Err(error.exits_with(ended.code.max(1))),
        };
        if !answers {
            return done;
        }
        stays(match &done {
            Ok(()) => Message::Code(0),
            Err(error) => {
                let _ = error.report(&mut io::stderr());
                match error.kind() {
                    Kind::Interrupted(signal) => Message::Signal(signal),
                    _ => Message::Code(error.code()),
                }
            }
        })
    }

    /// Everything that can go wrong before the command is started.
    fn ready(&self) -> Result<Ready> {
        let library = run::library()?;
        let home = home::for_writing()?;
        let name = home::workspace_name(&home, self.workspace.as_ref())?;
        let workspace = open_sound(&home.clone().verifying(self.verify), &name)?;
        if self.apply {
            crate::origin::of_config(name.as_str(), &workspace.config()?)?;
        }
        let mut handover = Handover { verify: self.verify, ..Handover::of(&workspace)? };
        let start = run::start(workspace.tree(), &handover)?;
        let Some(command) = self.command.first() else { return Err(Error::usage("no command")) };
        let program = match run::program(command, &handover.mount)? {
            // Who executes it has to be in the tree, to have it answered.
            Program::Outside(path) if run::cannot_be_seen(&path) => Program::Inside,
            program => program,
        };
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(|errno| {
            Error::failed("orphans of the command cannot be waited for").caused_by(errno)
        })?;
        let run = Run::begin(&mut handover)?;
        let environment = run::environment(&handover, &library);
        let listeners = Listeners::open(&handover, &library);
        let from = workspace.head();
        Ok(Ready { home, name, handover, start, program, run, environment, listeners, from })
    }
}

/// Makes this two processes, of which the first one does not come back before the run has ended: then by an error or, if all went
/// well, not at all.
pub fn begin() -> Result<Back> {
    let by = |signal: i32| u8::try_from(128 + signal).unwrap_or(u8::MAX);
    match run::part().map_err(|error| error.exits_with_unless_told(BEFORE))? {
        Part::Back(back) => Ok(back),
        Part::Front(Ends::Code(code)) => std::process::exit(code.into()),
        Part::Front(Ends::Signal(signal)) => std::process::exit(by(signal).into()),
        Part::Front(Ends::Killed(signal)) => {
            let what = "the process that did the work of this run was ended by signal";
            let hint = "what was written is kept; programs that no library can be in get errors from here on";
            let error = Error::failed(format!("{what} {signal}; the command may go on")).hint(hint);
            Err(error.exits_with(by(signal)))
        }
    }
}

/// Opens a workspace that can be worked in.
pub fn open_sound(home: &Home, name: &Name) -> Result<Workspace> {
    let workspace = home::open(home, name.as_str())?;
    match workspace.damage() {
        Some(damage) => Err(damage.into()),
        None => Ok(workspace),
    }
}

/// A command that can be started.
struct Ready {
    home: Home,
    name: Name,
    handover: Handover,
    start: run::Start,
    program: Program,
    run: Run,
    environment: Environment,
    /// Where those are answered that no library is in.
    listeners: Option<Listeners>,
    /// The last record before it.
    from: u64,
}

impl Ready {
    /// Starts the command.
    fn spawn(&self, words: &[OsString], signals: &Signals) -> Result<Pid> {
        let not_started = |error: Error| error.exits_with(BEFORE);
        rustix::process::chdir(&self.start.place)
            .map_err(|errno| not_started(Error::at("change to", &self.start.place, errno)))?;
        let mut set = self.environment.to_vec();
        if let Some(directory) = &self.start.moved_to {
            set.push(("PWD", directory.clone().into()));
        }
        let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
        let name = words.first().copied().unwrap_or_default();
        let start = |path: &Path, words: &[&OsStr]| run::spawn(path, words, &set, signals.before());
        let started = match &self.program {
            Program::Outside(path) => {
                match start(path, &words) {
                    // A script without a first line that says what it is for is one of the shell.
                    Err(error) if Errno::from_io_error(&error) == Some(Errno::NOEXEC) => {
                        let script = [OsStr::new("sh"), path.as_os_str()];
                        let rest = words.get(1..).unwrap_or_default();
                        start(Path::new("/bin/sh"), &[&script, rest].concat())
                    }
                    other => other,
                }
            }
            Program::Inside => {
                let own = std::env::current_exe().map_err(|error| {
                    not_started(Error::failed("cannot find this executable").caused_by(error))
                })?;
                let head = [OsStr::new("vrift"), OsStr::new(super::exec::NAME), OsStr::new("--")];
                start(&own, &[&head, words.as_slice()].concat())
            }
        };
        started.map_err(|error| super::exec::refused(name, error))
    }

    /// Writes back what changed, if the command ended with 0; whether everything was written that is to be.
    fn apply(&self, code: u8) -> Result<bool> {
        let mut stderr = io::stderr();
        if code != 0 {
            // Whoever closed standard error does not want to know; the exit code says it too.
            let _ = writeln!(
                stderr,
                "vrift: the command ended with {code}: nothing was written back\nhint: `vrift apply {}` does it",
                self.name
            );
            return Ok(true);
        }
        let written = super::apply::Written::of(&self.home, &self.name, false)?;
        if stderr.is_terminal() {
            let _ = writeln!(stderr, "{}", written.text());
        }
        Ok(written.tell())
    }

    /// Seals what is left and tells what happened; whether everything was kept.
    /// `answers`: this process goes on for what is left; `alone`: nobody waits for what is told.
    fn close(&self, ended: &Ended, begun: Begun, answers: bool, alone: bool) -> Result<bool> {
        let mut workspace = Workspace::open(&self.home, self.name.as_str())?;
        let sealed = workspace.seal_drafts()?;
        let mut census = self.run.census();
        if self.program == Program::Inside {
            // The one that looked for the program was ours.
            census.seen = census.seen.saturating_sub(1);
        }
        let mut stderr = io::stderr();
        // Whoever closed standard error does not want to know; the exit code says it too.
        for failure in &census.failures {
            let _ = writeln!(stderr, "vrift: {}", names::shown(failure));
        }
        for (file, errno) in &sealed.failed {
            let path = names::shown(&file.path);
            let _ = writeln!(
                stderr,
                "vrift: {}:{path} was written and cannot be kept: {errno}",
                self.name
            );
        }
        run::tell_refused(&census.refused, &mut stderr);
        run::tell_damaged(&census.damaged, &mut stderr);
        let sound = census.failures.is_empty() && census.damaged.is_empty();
        let kept = sound && sealed.failed.is_empty();
        if stderr.is_terminal() && !alone {
            let busy = sealed.busy.into_iter().map(|file| file.path).collect();
            let closing = run::closing(&workspace, self.from, begun)?;
            let closing = Closing { census, busy, ..closing }.with_left(&ended.left, answers);
            let _ = writeln!(stderr, "{}", closing.text(workspace.name()));
        }
        Ok(kept)
    }
    /// Lets the caller go on, as `how` says, and stays for what is left and answered for. What that writes is stored at the end.
    fn stay(
        &self,
        back: &Back,
        how: Message,
        signals: &Signals,
        listeners: &Listeners,
    ) -> Result<()> {
        signals.take_back();
        back.release(how);
        run::stay(signals, listeners);
        // The workspace may have been dropped. Nobody is left to be told.
        if let Ok(mut workspace) = Workspace::open(&self.home, self.name.as_str()) {
            let _ = workspace.seal_drafts();
        }
        Ok(())
    }
}
