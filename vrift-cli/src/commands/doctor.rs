//! `vrift doctor`.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use vrift_cas::{Digest, Store};
use vrift_manifest::attributes::{Attributes, Content, Kind};
use vrift_manifest::image::{Builder, NodeSpec};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{Home, NewWorkspace, Workspace, drop_workspace, write_image};

use crate::error::{Error, Result};
use crate::home;
use crate::output::{ADDED, CHANGED, Output, REMOVED, Row, names};
use crate::run;

/// Check that this machine has what vrift needs
///
/// Everything is tried in a scratch store beside the real one, so on the same file system; it is removed again, and the
/// real store is not changed. What is essential and fails gives exit code 1; of what is optional and missing, a line
/// says what is slower for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vrift doctor\n  VRIFT_HOME=/mnt/disk/vrift vrift doctor")]
pub struct Args {
    /// One JSON array
    #[arg(long)]
    json: bool,
}

/// How a check ended.
enum Outcome {
    /// It works.
    Works(String),
    /// Optional, and not there.
    Missing(String),
    /// Essential, and not there.
    Fails(String),
}

use Outcome::{Fails, Missing, Works};

impl Args {
    /// Checks.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let path = home::store_path()?;
        let mut checks = vec![("store", existing(&path))];
        match Scratch::beside(&path) {
            Err(why) => checks.push(("scratch store", Fails(why.to_string()))),
            Ok(scratch) => {
                checks.push(("content", essential(scratch.content())));
                checks.push(("journal and lock", essential(scratch.workspace())));
                checks.push(("reflinks", scratch.reflinks()));
            }
        }
        checks.push(("memory file system", memory()));
        checks.push(("preloading", preloading()));
        checks.push(("restarts", restarts()));
        checks.extend(interrupted().map(|outcome| ("interrupted writing", outcome)));
        let mut sound = true;
        let mut listing = output.listing();
        for (check, outcome) in &checks {
            let (word, style, text) = match outcome {
                Works(text) => ("works", ADDED, text),
                Missing(text) => ("missing", CHANGED, text),
                Fails(text) => ("FAILS", REMOVED, text),
            };
            sound &= !matches!(outcome, Fails(_));
            let row = || {
                Row::new()
                    .with("check", check)
                    .with("outcome", word.to_lowercase())
                    .with("text", text)
            };
            listing.add(row, |output| {
                let word = output.styled(style, format_args!("{word:<7}"));
                Ok(writeln!(output, "{word}  {check}: {text}")?)
            })?;
        }
        listing.end()?;
        if sound { Ok(()) } else { Err(Error::incomplete()) }
    }
}

fn essential(done: Result<String>) -> Outcome {
    match done {
        Ok(text) => Works(text),
        Err(error) => Fails(error.to_string()),
    }
}

/// Whether programs take the library that `vrift run` gives them: the loader only warns of one that it does not take.
fn preloading() -> Outcome {
    let library = match run::library() {
        Ok(library) => library,
        Err(error) => return Missing(format!("{error}; `vrift run` cannot run anything")),
    };
    let tried = std::env::current_exe().and_then(|program| {
        Command::new(program).arg("--version").env("LD_PRELOAD", &library).output()
    });
    match tried {
        Ok(said) if said.status.success() && said.stderr.is_empty() => {
            Works(names::path(&library).to_string())
        }
        Ok(said) => {
            let why = names::shown(&said.stderr).to_string();
            Missing(format!("programs do not take '{}': {why}", names::path(&library)))
        }
        Err(error) => Missing(format!("it cannot be tried: {error}")),
    }
}

/// The store itself, if there is one yet.
fn existing(path: &Path) -> Outcome {
    let shown = names::path(path).to_string();
    match home::for_reading() {
        Ok(None) => Works(format!("none at '{shown}' yet; the first ingest makes it")),
        Ok(Some(home)) if home.store().is_read_only() => {
            Missing(format!("'{shown}' can be read and not written: nothing can be changed"))
        }
        Ok(Some(home)) => match home.names() {
            Ok(names) => Works(format!("'{shown}', workspaces: {}", names.len())),
            Err(error) => Fails(error.to_string()),
        },
        Err(error) => Fails(error.to_string()),
    }
}

/// A directory of its own beside the store, which goes away with it.
struct Scratch {
    root: PathBuf,
}

impl Scratch {
    fn beside(store: &Path) -> Result<Scratch> {
        // The nearest directory that is there: the store may have to be made with those above it.
        let above = store.ancestors().skip(1).find(|path| path.is_dir());
        let above = above.unwrap_or_else(|| Path::new("/"));
        let root = above.join(format!(".vrift-doctor-{}", std::process::id()));
        fs::create_dir(&root).map_err(|error| Error::at("create", &root, error))?;
        Ok(Scratch { root })
    }

    fn home(&self) -> Result<Home> {
        let store = Store::create_or_open(self.root.join("store"))?;
        Ok(Home::new(std::sync::Arc::new(store), &home::runtime_directories()))
    }

    fn content(&self) -> Result<String> {
        let home = self.home()?;
        let content = b"what the doctor wrote\n";
        let put = home.store().put_bytes(content)?;
        home.store().sync()?;
        let verdict = home.store().verify(&put.digest)?;
        if put.digest != Digest::of(content) || !verdict.is_sound() {
            return Err(Error::failed(format!(
                "what was written is not what is read: {verdict:?}"
            )));
        }
        Ok("written, brought to the disk and read again".to_owned())
    }

    /// A change takes the lock, appends to the journal and goes through the shared index: all of it is mapped memory.
    fn workspace(&self) -> Result<String> {
        let home = self.home()?;
        let time = Timestamp::coarse_now();
        let attributes = Attributes {
            mode: Kind::Directory as u32 | 0o755,
            uid: 0,
            gid: 0,
            nlink: 2,
            size: 0,
            atime: time,
            mtime: time,
            ctime: time,
            rdev: 0,
        };
        let root = NodeSpec { node: ROOT, attributes, content: Content::None, xattrs: &[] };
        let builder = Builder::new(root).map_err(|why| Error::failed("").caused_by(why))?;
        let image = write_image(home.store(), builder, ROOT + 1)?.image_id;
        let name = "doctor".to_owned();
        NewWorkspace { name, mount: "/vrift/doctor".into(), origin: None, image }.create(&home)?;
        let mut one = Workspace::open(&home, "doctor")?;
        let other = Workspace::open(&home, "doctor")?;
        let change = Change::Create {
            parent: ROOT,
            name: b"file",
            mode: Kind::File as u32 | 0o644,
            uid: 0,
            gid: 0,
            rdev: 0,
            target: b"",
        };
        one.change(&change)?;
        let seen = other.tree().child(other.tree().root(), b"file")?.is_some();
        one.snapshot("checked")?;
        drop((one, other));
        drop_workspace(&home, "doctor")?;
        match seen {
            true => Ok("a change was made, seen through another mapping, and named".to_owned()),
            false => Err(Error::failed("a change is not seen through another mapping")),
        }
    }

    fn reflinks(&self) -> Outcome {
        let try_one = || -> std::io::Result<()> {
            let (from, to) = (self.root.join("from"), self.root.join("to"));
            fs::write(&from, [1; 8192])?;
            Ok(rustix::fs::ioctl_ficlone(File::create(&to)?, File::open(&from)?)?)
        };
        match try_one() {
            Ok(()) => Works("files go in and out without their bytes being copied".to_owned()),
            Err(why) => Missing(format!(
                "this file system has none ({why}): ingest and export copy, which takes time and room"
            )),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Blobs are read-only, their directories are not: nothing more can be done if this fails.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Whether live indexes have a place that costs nothing to write.
fn memory() -> Outcome {
    let is_tmpfs = |path: &PathBuf| {
        rustix::fs::statfs(path).is_ok_and(|found| found.f_type == 0x0102_1994)
            && rustix::fs::access(path, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
                .is_ok()
    };
    match home::runtime_directories().iter().find(|path| is_tmpfs(path)) {
        Some(path) => Works(format!("live indexes lie in '{}'", names::path(path))),
        None => Missing(
            "neither $XDG_RUNTIME_DIR nor /dev/shm is one that can be written: live indexes lie in the store, where \
             making them is slower"
                .to_owned(),
        ),
    }
}

/// Files that were being written when the machine went down.
fn interrupted() -> Option<Outcome> {
    let home = home::for_reading().ok()??;
    let mut kept = Vec::new();
    for name in home.names().unwrap_or_default() {
        let Ok(workspace) = Workspace::look(&home, &name) else { continue };
        let files = workspace.drafts_aside().len();
        if files > 0 {
            let directory = workspace.directory().join("drafts");
            kept.push(format!("{files} of '{name}' in '{}'", names::path(&directory)));
        }
    }
    (!kept.is_empty()).then(|| {
        Missing(format!(
            "files that were being written when the machine went down are kept aside: {}; what was sealed before is in force",
            kept.join(", ")
        ))
    })
}

/// Whether it can be told that the machine was started again.
fn restarts() -> Outcome {
    match fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(_) => Works("the kernel tells when the machine was started again".to_owned()),
        Err(why) => Missing(format!(
            "the kernel does not tell when the machine was started again ({why}): after a power cut run `vrift fsck`"
        )),
    }
}
