//! An operation, and what kills it: who, and when.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use vrift_manifest::workspace::lock_word;
use vrift_tests::random::Random;

use crate::processes::{Ended, Process, below_this};
use crate::said::start;
use crate::watch::LONG;

/// When it is killed.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// So long after it began.
    After(Duration),
    /// When somebody has the workspace's lock: who has it.
    LockHeld(Duration),
    /// When a child of vfork has not executed yet: that child.
    Vforked(Duration),
    /// Not at all.
    Never,
}

/// Who is killed.
#[derive(Debug, Clone, Copy)]
pub enum Whom {
    /// One of all.
    Any,
    /// The one that was started.
    First,
    /// All, whoever comes of them meanwhile.
    All,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Struck {
    /// How many living processes were killed, and the name of one of them.
    pub killed: u64,
    /// Who that was.
    pub names: Vec<String>,
    /// Of these, how many had the workspace's lock.
    pub owners: u64,
    /// Of these, how many were children of vfork.
    pub vforked: u64,
    /// Whether the kernel has marked the lock of one that died, and nobody has taken it since.
    pub marked: bool,
    /// The exit code of what was started; `None`: a signal.
    pub code: Option<i32>,
    /// How long it took.
    pub lasted: Duration,
}

/// The lock's word in a workspace's control page.
pub struct LockWord(Option<File>);

impl LockWord {
    /// Of this page; if there is none, nobody ever has the lock.
    pub fn of(control: &Path) -> LockWord {
        LockWord(File::open(control).ok())
    }

    /// What it is.
    pub fn read(&self) -> u32 {
        let mut bytes = [0; 4];
        let read = self.0.as_ref().map(|page| page.read_exact_at(&mut bytes, lock_word::AT));
        if matches!(read, Some(Ok(()))) { u32::from_le_bytes(bytes) } else { 0 }
    }

    /// The number of the thread that has it; 0: none.
    pub fn owner(&self) -> i32 {
        (self.read() & lock_word::OWNER).cast_signed()
    }

    /// Whether the kernel has marked it: its owner has died, and nobody has taken it since.
    pub fn is_marked(&self) -> bool {
        self.read() & lock_word::OWNER_DIED != 0
    }
}

/// Runs a command, and kills somebody. It ends when nobody is left; an error says who hangs.
pub fn strike(
    command: &mut Command,
    when: When,
    whom: Whom,
    word: &LockWord,
    dice: &mut Random,
) -> Result<Struck, String> {
    let mut struck = Struck::default();
    let mut ended = Ended::default();
    let begun = Instant::now();
    let first = start(command);
    match when {
        When::Never => {}
        When::After(time) => {
            let moment = begun + time;
            while Instant::now() < moment && ended.first.is_none() {
                let left = moment.saturating_duration_since(Instant::now());
                std::thread::sleep(left.min(Duration::from_millis(1)));
                ended.reap(first);
            }
            aim(first, whom, dice, &mut struck);
        }
        When::LockHeld(time) => {
            while begun.elapsed() < time && ended.first.is_none() {
                let begun = Instant::now();
                // Mostly looking at the word, for it is held for microseconds.
                while begun.elapsed() < Duration::from_millis(2) {
                    let owner = word.owner();
                    if owner != 0 && kill_owner(owner, word, &mut struck) {
                        break;
                    }
                }
                if struck.killed > 0 {
                    break;
                }
                ended.reap(first);
            }
        }
        When::Vforked(time) => {
            while begun.elapsed() < time && ended.first.is_none() && struck.killed == 0 {
                for process in below_this() {
                    if process.is_vforked() && kill_vforked(&process, &mut struck) {
                        break;
                    }
                }
                ended.reap(first);
            }
        }
    }
    if struck.killed == 0 && !matches!(when, When::Never) && ended.first.is_none() {
        aim(first, whom, dice, &mut struck);
    }
    ended.wait_for_all(first, Instant::now() + LONG)?;
    struck.marked = word.is_marked();
    struck.code = ended.first.flatten();
    struck.lasted = begun.elapsed();
    Ok(struck)
}

fn killed(process: &Process, struck: &mut Struck) {
    if process.kill() {
        struck.killed += 1;
        struck.names.push(process.name.clone());
    }
}

fn aim(first: i32, whom: Whom, dice: &mut Random, struck: &mut Struck) {
    let all = below_this();
    match whom {
        Whom::Any if !all.is_empty() => killed(dice.pick(&all), struck),
        Whom::Any => {}
        Whom::First => {
            if let Some(process) = all.iter().find(|process| process.pid == first) {
                killed(process, struck);
            }
        }
        Whom::All => {
            // The one that starts others first, so that few come after.
            for _ in 0..1000 {
                let all = below_this();
                if all.is_empty() {
                    break;
                }
                all.iter().for_each(|process| killed(process, struck));
            }
            // It is one blow.
            struck.killed = struck.killed.min(1);
        }
    }
}

/// Stops the owner, so that it is certain that it has the lock, and kills it; otherwise lets it go on.
fn kill_owner(owner: i32, word: &LockWord, struck: &mut Struck) -> bool {
    let Some(process) = Process::of(owner) else { return false };
    if !process.stop() {
        return false;
    }
    if word.owner() != owner {
        process.go_on();
        return false;
    }
    killed(&process, struck);
    struck.owners += 1;
    true
}

/// Likewise a child of vfork: it must not have executed in between.
fn kill_vforked(process: &Process, struck: &mut Struck) -> bool {
    if !process.stop() {
        return false;
    }
    if !process.is_vforked() {
        process.go_on();
        return false;
    }
    killed(process, struck);
    struck.vforked += 1;
    true
}
