//! What a user could take instead: other libraries that are preloaded, and other ways to lay one tree over another. Each has a
//! tree that is otherwise as native's. What is not on the machine is left out, with the reason.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::sides::{Side, Sides};
use crate::shell::{is_there, succeed};

/// How many times fewer operations are measured where each takes tens of microseconds.
const SLOW: u32 = 10;

/// Something that runs as long as a side is there: it ends when its standard input does.
pub struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        // Its standard input is closed with this handle, also if this process is killed.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Mounts in a user's own view of the machine. `$1`: what is below, `$2` the room, `$3` where the tree is to be.
const MOUNTS: [(&str, &str, u32, &str); 3] = [
    (
        "kernel overlayfs",
        "mount",
        1,
        "mount -t overlay overlay -o \"lowerdir=$1,upperdir=$2/upper,workdir=$2/work,userxattr\" \"$3\"",
    ),
    (
        "fuse-overlayfs",
        "fuse-overlayfs",
        SLOW,
        "fuse-overlayfs -f -o \"lowerdir=$1,upperdir=$2/upper,workdir=$2/work\" \"$3\" 2>/dev/null & serves \"$3\"",
    ),
    (
        "bindfs",
        "bindfs",
        SLOW,
        "bindfs -f --no-allow-other \"$1\" \"$3\" 2>/dev/null & serves \"$3\"",
    ),
];

/// Before the line above. Behind it the number of this shell is said, as others see it, and it waits.
const SERVES: &str = "serves() { n=0; until [ -e \"$1/hot\" ]; do n=$((n + 1)); [ $n -lt 100 ] || exit 1; sleep 0.05; done; }";
const WAITS: &str = "read -r pid rest </proc/self/stat; echo \"$pid\"; exec cat >/dev/null";

/// Adds all that work here; of the others, why not. `quick`: only libraries, which need no tree of their own.
pub fn add(sides: &mut Sides, room: &Path, quick: bool) -> Vec<String> {
    let native = sides.all[0].root.clone();
    let mut skipped = Vec::new();
    let mut take = |name: &str, side: io::Result<Side>| match side {
        Ok(side) => sides.all.push(side),
        Err(error) => skipped.push(format!("{name}: {error}")),
    };
    take("an empty library", empty(room, &native));
    take("fakechroot", fakechroot(&native, room));
    if quick {
        skipped.push("mounts and proot: not in the quick form".to_owned());
        return skipped;
    }
    let lower = room.join("lower/tree");
    for (name, program, part, line) in MOUNTS {
        take(name, mounted(name, program, part, line, room, &native, &lower));
    }
    take("proot", proot(&native, room));
    skipped
}

/// A library without a function: what preloading as such costs.
fn empty(room: &Path, native: &Path) -> io::Result<Side> {
    let (source, library) = (room.join("empty.c"), room.join("empty.so"));
    fs::write(&source, "int nothing_at_all;\n")?;
    succeed(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source))?;
    let environment = vec![("LD_PRELOAD".to_owned(), library.to_string_lossy().into_owned())];
    Ok(Side { environment, ..Side::plain("empty library", native.to_owned()) })
}

fn fakechroot(native: &Path, room: &Path) -> io::Result<Side> {
    let places = fs::read_dir("/usr/lib")?.flatten().map(|entry| entry.path());
    let library = places.map(|path| path.join("fakechroot/libfakechroot.so")).find(|p| p.exists());
    let library = library.ok_or_else(absent)?;
    // Programs are started from where they are.
    let excluded = format!("/bin:/usr:/lib:/lib64:/etc:/proc:/dev:{}", room.display());
    let base = native.parent().unwrap_or(native).to_string_lossy().into_owned();
    let environment = [
        ("LD_PRELOAD", library.to_string_lossy().into_owned()),
        ("FAKECHROOT", "true".to_owned()),
        ("FAKECHROOT_BASE", base),
        ("FAKECHROOT_EXCLUDE_PATH", excluded),
    ];
    Ok(Side {
        environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        outside: false,
        ..Side::plain("fakechroot", "/tree".into())
    })
}

fn proot(native: &Path, room: &Path) -> io::Result<Side> {
    if !is_there("proot") {
        return Err(absent());
    }
    let parent = native.parent().unwrap_or(native).display();
    // A directory that is there: realpath finds no other.
    let seen = room.join("prot");
    fs::create_dir_all(&seen)?;
    let before = ["proot".to_owned(), "-b".to_owned(), format!("{parent}:{}", seen.display())];
    Ok(Side {
        before: before.to_vec(),
        part: SLOW,
        outside: false,
        ..Side::plain("proot", seen.join("tree"))
    })
}

/// A mount that is there for the processes of one view only, and goes with the process that holds it.
fn mounted(
    name: &'static str,
    program: &str,
    part: u32,
    line: &str,
    room: &Path,
    native: &Path,
    lower: &Path,
) -> io::Result<Side> {
    if ![program, "unshare", "nsenter"].into_iter().all(is_there) {
        return Err(absent());
    }
    // What is below an overlay must not change: a copy for those; what only passes on shows native's own.
    let below = if line.contains("lowerdir") { lower } else { native };
    if !below.exists() {
        fs::create_dir_all(below.parent().unwrap_or(below))?;
        succeed(Command::new("cp").arg("-a").arg(native).arg(below))?;
    }
    let own: PathBuf = room.join(name.replace(' ', "-"));
    let root = own.join("tree");
    for directory in ["upper", "work", "tree"] {
        fs::create_dir_all(own.join(directory))?;
    }
    let mut command = Command::new("unshare");
    command.args(["-Urm", "--pid", "--fork", "--kill-child", "sh", "-e", "-c"]);
    command.arg(format!("{SERVES}\n{line}\n{WAITS}")).arg("sh").arg(below).arg(&own).arg(&root);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let mut said = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut said)?;
    }
    let held = Held(child);
    let pid: u32 = said.trim().parse().map_err(|_| io::Error::other("cannot be mounted here"))?;
    let before = ["nsenter", "-t", &pid.to_string(), "-U", "-m", "--preserve-credentials"]
        .map(str::to_owned)
        .to_vec();
    Ok(Side { before, part, outside: false, _held: Some(held), ..Side::plain(name, root) })
}

fn absent() -> io::Error {
    io::Error::other("not on this machine")
}
