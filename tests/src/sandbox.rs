//! A sandbox: a temporary directory with a store of its own, in which the built `vrift` is run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// A temporary directory that is removed at the end, with a store `store` and a directory `home` in it.
pub struct Sandbox {
    directory: tempfile::TempDir,
}

/// What a run of the command said.
#[derive(Debug)]
pub struct Said {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error, as text.
    pub err: String,
}

impl Said {
    /// Standard output as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.out)
            .unwrap_or_else(|why| panic!("not JSON ({why}): {}", self.text()))
    }
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox::new()
    }
}

impl Sandbox {
    /// A new sandbox.
    pub fn new() -> Sandbox {
        let directory = tempfile::Builder::new().prefix("vrift-test.").tempdir();
        let directory = directory.expect("the temporary directory can be written");
        let sandbox = Sandbox { directory };
        std::fs::create_dir(sandbox.path("home")).expect("the sandbox can be written");
        sandbox
    }

    /// Leaves it where it is, to be looked at.
    pub fn keep(self) -> PathBuf {
        self.directory.keep()
    }

    /// A path in the sandbox. Symlinks above it are resolved, so that it can be compared with what the command says.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        let root = self.directory.path();
        root.canonicalize().unwrap_or_else(|_| root.to_path_buf()).join(name)
    }

    /// Writes a file in the sandbox, making the directories above it.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let parent = path.parent().expect("a file in the sandbox has a parent");
        std::fs::create_dir_all(parent).expect("the sandbox can be written");
        std::fs::write(&path, content).expect("the sandbox can be written");
        path
    }

    /// All files of the store that say something: what comes and goes with every command is left out.
    pub fn store_names(&self) -> Vec<PathBuf> {
        let (mut found, mut pending) = (Vec::new(), vec![self.path("store")]);
        while let Some(directory) = pending.pop() {
            let entries = std::fs::read_dir(&directory).expect("the store can be read");
            for path in entries.map(|entry| entry.expect("the store can be read").path()) {
                if !path.is_dir() {
                    found.push(path);
                } else if !path.ends_with("staging") && !path.ends_with("active") {
                    pending.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// The command with `arguments`, to be run in `directory` of the sandbox.
    pub fn command<I>(&self, directory: impl AsRef<Path>, arguments: I) -> Command
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        let mut command = Command::new(vrift());
        command.args(arguments).current_dir(self.path(directory)).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VRIFT") {
                command.env_remove(name);
            }
        }
        command.env("VRIFT_HOME", self.path("store")).env("HOME", self.path("home"));
        command.env("XDG_RUNTIME_DIR", self.path("home")).env("TZ", "UTC");
        command
    }

    /// Runs the command in the sandbox.
    pub fn run<I>(&self, arguments: I) -> Said
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        said(&mut self.command(".", arguments))
    }

    /// Runs the command in the sandbox; it has to succeed.
    #[track_caller]
    pub fn ok<I>(&self, arguments: I) -> Said
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "out: {}\nerr: {}", said.text(), said.err);
        said
    }
}

/// Runs `command` to its end.
pub fn said(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().expect("the command can be started");
    Said { code: status.code(), out: stdout, err: String::from_utf8_lossy(&stderr).into_owned() }
}

/// The built command: `VRIFT_BIN` if set, or what lies beside this program; otherwise it is built now, once for all tests of
/// this process.
pub fn vrift() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("VRIFT_BIN") {
        Some(path) => PathBuf::from(path),
        None => beside().unwrap_or_else(build),
    })
}

/// Tests lie in a directory of their own, other programs beside the command.
fn beside() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.parent()?.join("vrift");
    path.is_file().then_some(path)
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--quiet", "-p", "vrift-cli", "-p", "vrift-shim"];
    let status = Command::new(cargo).args(arguments).status().expect("cargo can be started");
    assert!(status.success(), "the command does not build");
    // This test is <target>/<profile>/deps/it-<hash>; the command lies in <target>/debug.
    let test = std::env::current_exe().expect("a test knows its own path");
    let target =
        test.ancestors().nth(3).expect("a test lies three levels below the target directory");
    target.join("debug/vrift")
}
