//! The two sides: a real directory, and the same directory in a workspace (or behind any other command).
//!
//! Their bases have names of equal length, so that absolute symlinks have equal sizes and absolute paths are too long at
//! the same place.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How the second side is played.
#[derive(Debug, Clone)]
pub enum Against {
    /// In a workspace of the `vrift` at this path.
    Workspace(PathBuf),
    /// On a real directory, with these words before the player.
    Command(Vec<OsString>),
}

/// Where scripts are played.
pub struct Sides {
    work: PathBuf,
    player: PathBuf,
    against: Against,
    start: String,
    access_times: bool,
    played: u64,
}

/// What one script gave on both sides.
#[derive(Debug, Default)]
pub struct Played {
    /// What the player said on the real directory.
    pub native: Vec<u8>,
    /// What it said on the other side.
    pub ours: Vec<u8>,
    /// What else is wrong with the other side: a bad end, files on the disk, a tree that was not kept.
    pub beside: Vec<String>,
}

const BELOW: &str = "1/2/3/4/5/6";

/// The bases whose tree is a mount of its own, made by `scripts/oracle`: real directories. The workspace's is [`OURS`].
const MOUNTED: [&str; 2] = ["n", "p"];
const OURS: &str = "v";

fn clear(path: &Path) -> io::Result<()> {
    if let Err(why) = fs::remove_dir_all(path) {
        if why.kind() == io::ErrorKind::NotFound {
            return Ok(());
        }
        // Directories of which the owner took his own rights away.
        Command::new("chmod").args(["-R", "u+rwx"]).arg(path).stderr(Stdio::null()).status()?;
        fs::remove_dir_all(path)?;
    }
    Ok(())
}

/// Makes a base as if it were new, whose directories have to stay: a tree is mounted there.
fn empty(base: &Path) -> io::Result<()> {
    let mut directory = base.to_path_buf();
    for next in Path::new(BELOW).join("tree").iter() {
        empty_but(&directory, Some(next))?;
        directory.push(next);
    }
    empty_but(&directory, None)
}

fn empty_but(directory: &Path, kept: Option<&OsStr>) -> io::Result<()> {
    use rustix::fs::{listxattr, removexattr};
    use rustix::process::{getegid, geteuid};
    let (uid, gid) = (geteuid(), getegid());
    let metadata = fs::metadata(directory)?;
    if (metadata.uid(), metadata.gid()) != (uid.as_raw(), gid.as_raw()) {
        rustix::fs::chown(directory, Some(uid), Some(gid))?;
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
    let mut names = [0u8; 1 << 16];
    let length = listxattr(directory, &mut names[..])?;
    for name in names[..length].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user.")) {
        removexattr(directory, OsStr::from_bytes(name))?;
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if Some(entry.file_name().as_os_str()) == kept {
            continue;
        }
        if entry.file_type()?.is_dir() {
            clear(&entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Gives the owner all rights on a directory, if it is there.
fn reopen(directory: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::metadata(directory) else { return Ok(()) };
    let mode = metadata.permissions().mode() | 0o700;
    fs::set_permissions(directory, fs::Permissions::from_mode(mode))
}

fn wait(child: &mut Child, until: Instant) -> io::Result<String> {
    loop {
        if let Some(status) = child.try_wait()? {
            // By a signal: as whoever runs a command tells it.
            let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
            return Ok(format!("exit status {}", code.unwrap_or(-1)));
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            return Ok("did not end".to_owned());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl Sides {
    /// Both sides below `work`, each beginning with the tree that the script `start` makes.
    pub fn new(
        work: PathBuf,
        player: PathBuf,
        against: Against,
        start: String,
    ) -> io::Result<Sides> {
        for side in MOUNTED {
            let tree = work.join(side).join(BELOW).join("tree");
            fs::write(tree.join("probe"), "")?;
            let moved = fs::rename(tree.join("probe"), work.join("probe"));
            if moved.is_ok() {
                let why = format!("{}: not mounted; scripts/oracle does that", tree.display());
                return Err(io::Error::other(why));
            }
        }
        let access_times =
            Command::new("chattr").args(["+A"]).arg(&work).stderr(Stdio::null()).status();
        let access_times = access_times.is_ok_and(|status| status.success());
        Ok(Sides { work, player, against, start, access_times, played: 0 })
    }

    /// Whether times of access can be compared: files of the real side do not change theirs when they are read.
    pub fn access_times(&self) -> bool {
        self.access_times
    }

    fn command(&self, before: &[OsString], base: &Path) -> Command {
        let mut words: Vec<OsString> = before.to_vec();
        words.push(self.player.clone().into());
        words.push(base.into());
        if !self.access_times {
            words.push("no-access-times".into());
        }
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env_remove("PWD")
            .env_remove("OLDPWD");
        command
    }

    /// Plays `script` in `base` and gives what was said, and how it ended.
    fn start(
        &self,
        before: &[OsString],
        base: &Path,
        script: &str,
        name: &str,
    ) -> io::Result<Child> {
        let input = self.work.join(format!("{name}.script"));
        fs::write(&input, script)?;
        let mut command = self.command(before, base);
        command.stdin(File::open(&input)?);
        command.stdout(File::create(self.work.join(format!("{name}.out")))?);
        command.stderr(File::create(self.work.join(format!("{name}.err")))?);
        self.home(&mut command);
        command.spawn()
    }

    fn home(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VRIFT") {
                command.env_remove(name);
            }
        }
        command.env("VRIFT_HOME", self.work.join("store")).env("HOME", &self.work);
    }

    fn play(&self, base: &Path, script: &str, name: &str) -> io::Result<Vec<u8>> {
        let mut child = self.start(&[], base, script, name)?;
        let end = wait(&mut child, Instant::now() + Duration::from_secs(120))?;
        let said = fs::read(self.work.join(format!("{name}.out")))?;
        if end == "exit status 0" {
            return Ok(said);
        }
        let why = fs::read_to_string(self.work.join(format!("{name}.err"))).unwrap_or_default();
        Err(io::Error::other(format!("the player, on a real directory: {end} {why}")))
    }

    fn vrift(&self, vrift: &Path, arguments: &[&str]) -> io::Result<()> {
        let mut command = Command::new(vrift);
        command.args(arguments).stdin(Stdio::null()).current_dir(&self.work);
        self.home(&mut command);
        let said = command.output()?;
        if said.status.success() {
            return Ok(());
        }
        let (text, why) =
            (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        Err(io::Error::other(format!(
            "vrift {}: {}: {text}{why}",
            arguments.join(" "),
            said.status
        )))
    }

    fn prepare(&self, base: &Path) -> io::Result<PathBuf> {
        if base.ends_with(OURS) {
            clear(base)?
        } else {
            empty(base)?
        }
        let tree = base.join(BELOW).join("tree");
        for directory in [&tree, &base.join(BELOW).join("out")] {
            fs::create_dir_all(directory)?;
            fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
        }
        self.play(base, &self.start, "start")?;
        Ok(tree)
    }

    /// Plays a script on both sides, each from the beginning.
    pub fn both(&mut self, script: &str) -> io::Result<Played> {
        self.played += 1;
        let side = match self.against {
            Against::Command(_) => MOUNTED[1],
            Against::Workspace(_) => OURS,
        };
        let (native, ours) = (self.work.join(MOUNTED[0]), self.work.join(side));
        let (native_tree, our_tree) = (self.prepare(&native)?, self.prepare(&ours)?);
        let mut played = Played::default();
        let workspace = format!("w{}", self.played);
        let before: Vec<OsString> = match &self.against {
            Against::Command(words) => words.clone(),
            Against::Workspace(vrift) => {
                let tree = our_tree.to_string_lossy().into_owned();
                self.vrift(vrift, &["ingest", &tree, "--name", &workspace])?;
                // The real files go: what falls through to them finds nothing.
                clear(&our_tree)?;
                fs::create_dir(&our_tree)?;
                [
                    vrift.as_os_str(),
                    "run".as_ref(),
                    "-w".as_ref(),
                    workspace.as_ref(),
                    "--".as_ref(),
                ]
                .map(OsString::from)
                .to_vec()
            }
        };
        let until = Instant::now() + Duration::from_secs(180);
        let mut first = self.start(&[], &native, script, "native")?;
        let mut second = self.start(&before, &ours, script, "ours")?;
        let ends = (wait(&mut first, until)?, wait(&mut second, until)?);
        played.native = fs::read(self.work.join("native.out"))?;
        played.ours = fs::read(self.work.join("ours.out"))?;
        let said = fs::read_to_string(self.work.join("ours.err")).unwrap_or_default();
        let usual = fs::read_to_string(self.work.join("native.err")).unwrap_or_default();
        if usual.starts_with("player: ") {
            // It has not understood the script.
            return Err(io::Error::other(usual));
        }
        if ends.0 != ends.1 {
            played.beside.push(format!("ends: native {}, ours {}: {said}", ends.0, ends.1));
        } else if said != usual {
            played.beside.push(format!("standard error: native: {usual} ours: {said}"));
        }
        // Scripts may have taken away the rights to look.
        let mut above = PathBuf::new();
        for part in Path::new(BELOW).join("out").iter() {
            above.push(part);
            for base in [&native, &ours] {
                reopen(&base.join(&above))?;
            }
        }
        reopen(&native_tree)?;
        reopen(&our_tree)?;
        let (here, there) =
            (self.play(&native, "tree ^", "out-n")?, self.play(&ours, "tree ^", "out-v")?);
        compare("outside the tree", &here, &there, &mut played.beside);
        if let Against::Workspace(vrift) = self.against.clone() {
            for entry in fs::read_dir(&our_tree)? {
                played
                    .beside
                    .push(format!("on the real disk: {}", entry?.file_name().to_string_lossy()));
            }
            // Exported to where it was mounted, so that links to whole names are the same.
            let tree = our_tree.to_string_lossy().into_owned();
            clear(&our_tree)?;
            if let Err(why) = self.vrift(&vrift, &["export", &workspace, &tree]) {
                played.beside.push(why.to_string());
                fs::create_dir_all(&our_tree)?;
            }
            reopen(&our_tree)?;
            let here = self.play(&native, "tree", "kept-n")?;
            let there = self.play(&ours, "tree", "kept-v")?;
            compare("what was kept", &here, &there, &mut played.beside);
            match self.vrift(&vrift, &["fsck"]) {
                Ok(()) => self.vrift(&vrift, &["drop", &workspace])?,
                Err(why) => {
                    played.beside.push(why.to_string());
                    // The next script is not to find it.
                    clear(&self.work.join("store"))?;
                }
            }
        }
        Ok(played)
    }

    /// Removes everything but the mounts.
    pub fn remove(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.work)? {
            let entry = entry?;
            match MOUNTED.iter().any(|side| entry.file_name() == *side) {
                true => empty(&entry.path())?,
                false if entry.file_type()?.is_dir() => clear(&entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }
}

/// The parts of one line that differ.
pub fn parts(native: &str, ours: &str) -> String {
    let (one, two): (Vec<&str>, Vec<&str>) =
        (native.split("; ").collect(), ours.split("; ").collect());
    if one.len() < 3 {
        return format!("native: {native}\n    ours:   {ours}");
    }
    let mut text = String::new();
    for part in one.iter().filter(|part| !two.contains(part)) {
        text.push_str(&format!("native: {part}\n    "));
    }
    for part in two.iter().filter(|part| !one.contains(part)) {
        text.push_str(&format!("ours:   {part}\n    "));
    }
    text.trim_end().to_owned()
}

fn compare(what: &str, native: &[u8], ours: &[u8], beside: &mut Vec<String>) {
    if native != ours {
        let (native, ours) = (String::from_utf8_lossy(native), String::from_utf8_lossy(ours));
        beside.push(format!("{what}:\n    {}", parts(native.trim_end(), ours.trim_end())));
    }
}
