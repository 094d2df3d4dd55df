//! A store with a workspace that has a history, a fork of it, and what they show.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use vrift_tests::sandbox::{Said, Sandbox};

use super::look::{Picture, look, parse};
use super::pristine::Pristine;
use vrift_tests::random::Random;

/// A place of which it is known what it shows.
pub struct Subject {
    /// The place.
    pub place: &'static str,
    /// The workspace, if it is its present state.
    pub workspace: Option<&'static str>,
    /// What it exports.
    pub picture: Picture,
    /// What `ls` says of it, by entries.
    pub listed: BTreeSet<String>,
}

/// The store, and what is known of it.
pub struct Scene {
    sandbox: Sandbox,
    /// All its files as they are when nothing is damaged.
    pub pristine: Pristine,
    /// What is looked at.
    pub subjects: Vec<Subject>,
    /// Every state that the workspaces ever had.
    pub past: Vec<Picture>,
}

/// What programs did in the workspace, one step of the history each.
const STEPS: &[&str] = &[
    "echo in the store alone > made; mkdir -p new/deep; echo deep > new/deep/file; ln -s ../made new/link",
    "echo more >> src/small.c; chmod 700 src/middle.c; rm gone; mv moved elsewhere",
    "head -c 90000 /dev/zero | tr '\\0' z > new/zs; cp large new/large-copy; ln made new/hard",
];
const LATER: &str = "echo forked > made; rm -r new/deep; head -c 3000 large > part";

impl Scene {
    /// Makes it.
    pub fn new() -> Scene {
        let sandbox = Sandbox::new();
        plant(&sandbox);
        sandbox.ok(["ingest", "project", "--name", "w"]);
        let inside = |workspace: &str, script: &str| {
            let program = ["run", "-w", workspace, "--", "sh", "-c", script];
            let project = sandbox.path("project");
            let said = vrift_tests::sandbox::said(&mut sandbox.command(project, program));
            assert_eq!(said.code, Some(0), "{}{}", said.text(), said.err);
        };
        STEPS.iter().for_each(|script| inside("w", script));
        sandbox.ok(["snapshot", "w", "named"]);
        sandbox.ok(["fork", "w", "f"]);
        inside("f", LATER);
        // A second image, and records of its own behind it.
        sandbox.ok(["compact", "f"]);
        inside("f", "echo again > made; touch empty; mkdir last");
        inside("w", "echo last > last; rm new/zs");
        let directories = directories(&sandbox);
        let pristine = Pristine::of(&directories);
        let mut scene = Scene { sandbox, pristine, subjects: Vec::new(), past: Vec::new() };
        for (place, workspace) in [("w", Some("w")), ("f", Some("f")), ("w@named", None)] {
            let subject = scene.subject(place, workspace);
            scene.subjects.push(subject);
        }
        for workspace in ["w", "f"] {
            for seq in 0.. {
                let said = scene.export(&format!("{workspace}@{seq}"), false);
                match said {
                    (Said { code: Some(0), .. }, picture) => scene.past.push(picture),
                    // A fork's history begins with that of the other.
                    _ if seq < 2 => {}
                    _ => break,
                }
            }
        }
        assert!(scene.past.len() > 20, "{} states", scene.past.len());
        let said = scene.vrift(&["fsck"]);
        assert_eq!(said.code, Some(0), "{}{}", said.text(), said.err);
        scene.restore();
        scene
    }

    fn subject(&self, place: &'static str, workspace: Option<&'static str>) -> Subject {
        let (said, picture) = self.export(place, false);
        assert_eq!(said.code, Some(0), "{}{}", said.text(), said.err);
        assert!(picture.len() > 20, "{picture:?}");
        if let Some(workspace) = workspace {
            let (said, seen) = self.seen(workspace, false);
            assert_eq!((said.code, &seen), (Some(0), &picture), "{}", said.err);
        }
        let said = self.vrift(&["ls", "-lAR", "--json", place]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        Subject { place, workspace, picture, listed: items(&said) }
    }

    /// Runs the command.
    pub fn vrift(&self, words: &[&str]) -> Said {
        self.sandbox.run(words)
    }

    /// What a place exports.
    pub fn export(&self, place: &str, verify: bool) -> (Said, Picture) {
        let out = self.sandbox.path("out");
        let _ = fs::remove_dir_all(&out);
        let to = out.to_string_lossy().into_owned();
        let mut words = vec!["export", place, &to];
        words.extend(verify.then_some("--verify"));
        let said = self.vrift(&words);
        let picture = if out.is_dir() { look(&out) } else { Picture::new() };
        (said, picture)
    }

    /// What a workspace shows to a program.
    pub fn seen(&self, workspace: &str, verify: bool) -> (Said, Picture) {
        let own = std::env::current_exe().expect("it knows itself");
        let (own, project) = (own.to_string_lossy().into_owned(), self.project());
        let mut words = vec!["run", "-w", workspace];
        words.extend(verify.then_some("--verify"));
        words.extend(["--", &own, "show", &project]);
        let said = self.vrift(&words);
        let picture = parse(&said.text());
        (said, picture)
    }

    /// The real directory, which is also where the tree is seen.
    pub fn project(&self) -> String {
        self.sandbox.path("project").to_string_lossy().into_owned()
    }

    /// The directory of the store.
    pub fn store(&self) -> PathBuf {
        self.sandbox.path("store")
    }

    /// What is said of the workspaces, one after the other.
    pub fn described(&self) -> String {
        let path = |name: &str| self.store().join("workspaces").join(name).join("workspace.toml");
        let bytes = ["w", "f"].map(|name| self.pristine.bytes(&path(name)).to_vec());
        String::from_utf8_lossy(&bytes.concat()).into_owned()
    }

    /// Everything as it is, in a directory that stays.
    pub fn keep(&self) -> io::Result<PathBuf> {
        // Not in a directory that may go when this program ends.
        let aside = tempfile::Builder::new().prefix("vrift-damaged.").tempdir_in("/var/tmp")?;
        for directory in directories(&self.sandbox) {
            let status = Command::new("cp").arg("-a").arg(directory).arg(aside.path()).status()?;
            if !status.success() {
                return Err(io::Error::other(status.to_string()));
            }
        }
        Ok(aside.keep())
    }

    /// Puts everything back.
    pub fn restore(&mut self) {
        self.pristine.restore(&directories(&self.sandbox));
    }
}

/// The entries of a listing.
pub fn items(said: &Said) -> BTreeSet<String> {
    let parsed: Result<serde_json::Value, _> = serde_json::from_slice(&said.out);
    let array = parsed.ok().and_then(|value| value.as_array().cloned()).unwrap_or_default();
    array.iter().map(ToString::to_string).collect()
}

/// Store, live indexes, and the real directory.
fn directories(sandbox: &Sandbox) -> [PathBuf; 3] {
    ["store", "home", "project"].map(|name| sandbox.path(name))
}

/// What is ingested: contents of all lengths, some of them twice.
fn plant(sandbox: &Sandbox) {
    let mut random = Random::new(1);
    let mut bytes =
        |length: usize| -> Vec<u8> { (0..length).map(|_| random.next() as u8).collect() };
    let lengths = [("large", 300_000), ("src/middle.c", 20_000), ("src/page", 4096), ("moved", 77)];
    for (name, length) in lengths {
        sandbox.write(Path::new("project").join(name), bytes(length));
    }
    for number in 0..20 {
        let name = format!("project/src/many/{number}.h");
        sandbox.write(name, format!("#define NUMBER {number}\n").repeat(1 + 3 * number));
    }
    sandbox.write("project/src/small.c", "int main(void) { return 0; }\n");
    sandbox.write("project/src/copy.c", "int main(void) { return 0; }\n");
    sandbox.write("project/gone", "going\n");
    sandbox.write("project/empty", "");
    std::os::unix::fs::symlink("src/small.c", sandbox.path("project/link")).expect("a link");
}
