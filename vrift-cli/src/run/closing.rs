//! What a run did, in one line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};
use vrift_cas::Digest;
use vrift_manifest::census::Census;
use vrift_manifest::journal::Operation;
use vrift_manifest::workspace::Workspace;

use super::left::Left;
use crate::error::Result;
use crate::output::{human, names};

/// Programs and files named in the line.
const MOST: usize = 5;

/// The longest tick there is, in milliseconds. Who waits longer has a clock that was set back meanwhile.
const TICK_MOST: u32 = 10;

/// What is told at the end.
#[derive(Debug, Default)]
pub struct Closing {
    /// Files that have new content.
    pub files: u64,
    /// Bytes that the store had not before.
    pub new_bytes: u64,
    /// What the processes noted.
    pub census: Census,
    /// Files that somebody can still write.
    pub busy: Vec<Vec<u8>>,
    /// What goes on, in words.
    pub left: Vec<String>,
    /// This process goes on for them, of whom so many may ask it.
    pub answers: Option<(u32, usize)>,
}

/// What was written in the workspace after the record `from`, which was the last one when it had `begun`.
pub fn closing(workspace: &Workspace, from: u64, begun: Begun) -> Result<Closing> {
    let (mut files, mut contents) = (BTreeSet::new(), BTreeMap::new());
    workspace.for_each_record(from + 1, u64::MAX, |entry| {
        if let Operation::SetContent { node, digest, size, .. }
        | Operation::Sealed { node, digest, size, .. } = entry.record.operation
        {
            files.insert(node);
            contents.insert(digest, size);
        }
        true
    })?;
    let is_new = |digest: &[u8; 32]| {
        let blob = workspace.store().open_blob(&Digest::from_bytes(*digest));
        blob.is_ok_and(|blob| begun.is_before(&blob))
    };
    let new = contents.iter().filter(|(digest, _)| is_new(digest)).map(|(_, size)| size);
    Ok(Closing { files: files.len() as u64, new_bytes: new.sum(), ..Closing::default() })
}

/// When a run began, told by what file systems stamp new files with: a clock that ticks now and then.
#[derive(Clone, Copy)]
pub struct Begun(SystemTime);

impl Begun {
    /// Now.
    pub fn now() -> Begun {
        Begun(time_of(ClockId::Realtime))
    }

    /// Waits until a file that is made bears a later time than those made before.
    pub fn wait_for_a_tick(self) {
        for _ in 0..TICK_MOST {
            if time_of(ClockId::RealtimeCoarse) > self.0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether a file was made since. Where the file system does not tell, every content counts as new.
    fn is_before(self, file: &File) -> bool {
        file.metadata().is_ok_and(|about| about.created().map_or(true, |made| made > self.0))
    }
}

fn time_of(clock: ClockId) -> SystemTime {
    let now = clock_gettime(clock);
    let seconds = Duration::from_secs(u64::try_from(now.tv_sec).unwrap_or(0));
    let nanoseconds = Duration::from_nanos(u64::try_from(now.tv_nsec).unwrap_or(0));
    SystemTime::UNIX_EPOCH + seconds + nanoseconds
}

impl Closing {
    /// With what goes on; `answers`: it is answered for by this process.
    pub fn with_left(self, left: &[Left], answers: bool) -> Closing {
        let asking = || left.iter().filter(|left| left.may_ask()).count();
        let answers = answers.then(|| (std::process::id(), asking()));
        Closing { left: left.iter().map(Left::short).collect(), answers, ..self }
    }

    /// The line.
    pub fn text(&self, workspace: &str) -> String {
        let mut parts = vec![
            format!("{} written", human::counted(self.files, "file")),
            format!("{} new", human::size(self.new_bytes)),
            format!("{} seen", counted(self.census.seen, "process", "processes")),
        ];
        let unseen = &self.census.unseen;
        if !unseen.is_empty() {
            let count = human::count(unseen.len() as u64);
            parts.push(format!("{count} that could not be seen ({})", named(unseen)));
        }
        if !self.busy.is_empty() {
            parts.push(format!("still being written: {}", named(&self.busy)));
        }
        if !self.left.is_empty() {
            parts.push(format!("left running: {}", self.left.join(", ")));
        }
        if let Some((by, number)) = self.answers {
            let programs = match number {
                0 => "programs".to_owned(),
                _ => counted(number as u64, "program", "programs"),
            };
            parts.push(format!("process {by} goes on answering {programs} of these"));
        }
        format!("vrift: {workspace}: {}", parts.join(", "))
    }
}

/// Names the programs that were not executed because they could not be seen, each once.
pub fn tell_refused(refused: &[Vec<u8>], stderr: &mut dyn Write) {
    let different: BTreeSet<&[u8]> = refused.iter().map(Vec::as_slice).collect();
    // Whoever closed standard error does not want to know; the program's caller was told by an error.
    for program in &different {
        let _ = writeln!(
            stderr,
            "vrift: '{}' was not started: it cannot be seen, and would have found the real directory in place of the tree",
            names::shown(program)
        );
    }
    if !different.is_empty() {
        let _ = writeln!(
            stderr,
            "hint: it is static, of another C library, of 32 bits, or gains rights; `vrift doctor` tells what is allowed here"
        );
    }
}

/// Names the contents that were not given out because they are not what was stored, each once.
pub fn tell_damaged(damaged: &[Vec<u8>], stderr: &mut dyn Write) {
    let different: BTreeSet<&[u8]> = damaged.iter().map(Vec::as_slice).collect();
    for what in &different {
        // Whoever closed standard error does not want to know; the exit code says it too.
        let _ = writeln!(stderr, "vrift: {}: it was not opened", names::shown(what));
    }
    if !different.is_empty() {
        let _ = writeln!(stderr, "hint: `vrift fsck --repair` heals what can be healed");
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", human::count(number), if number == 1 { one } else { many })
}

/// Each once, the first ones.
fn named(all: &[Vec<u8>]) -> String {
    let mut seen = BTreeSet::new();
    let mut different = all.iter().filter(|name| seen.insert(name.as_slice()));
    let mut shown: Vec<String> =
        different.by_ref().take(MOST).map(|name| names::shown(name).to_string()).collect();
    if different.next().is_some() {
        shown.push("...".to_owned());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_made_in_the_tick_of_the_beginning_is_not_made_since() {
        let directory = tempfile::tempdir().expect("a directory");
        let make = |name| File::create(directory.path().join(name)).expect("a file");
        for round in 0..20 {
            let before = make(format!("before-{round}"));
            let begun = Begun::now();
            assert!(!begun.is_before(&before));
            begun.wait_for_a_tick();
            assert!(begun.is_before(&make(format!("after-{round}"))));
        }
    }

    #[test]
    fn the_line_says_what_there_is_to_say() {
        let mut closing = Closing { files: 12, new_bytes: 1536, ..Closing::default() };
        closing.census.seen = 1;
        assert_eq!(
            closing.text("lua"),
            "vrift: lua: 12 files written, 1.50 KiB new, 1 process seen"
        );
        closing.census.seen = 1200;
        closing.census.unseen = [b"/bin/busybox".to_vec(), b"/bin/busybox".to_vec()].into();
        closing.left = vec!["sleep[4711]".to_owned()];
        closing.busy = vec![b"log\n".to_vec()];
        assert_eq!(
            closing.text("lua"),
            "vrift: lua: 12 files written, 1.50 KiB new, 1,200 processes seen, 2 that could not be seen \
             (/bin/busybox), still being written: log\\n, left running: sleep[4711]"
        );
        closing.answers = Some((12, 1));
        let line = closing.text("lua");
        assert!(line.ends_with(": sleep[4711], process 12 goes on answering 1 program of these"));
    }

    #[test]
    fn many_programs_are_not_all_named() {
        let programs: Vec<Vec<u8>> = (0..7).map(|n| format!("/bin/{n}").into_bytes()).collect();
        assert_eq!(named(&programs), "/bin/0, /bin/1, /bin/2, /bin/3, /bin/4, ...");
    }
}
