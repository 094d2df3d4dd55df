//! A static program that goes on when its command has ended, and the processes of a run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;

/// What is told by files in the directory `SAYS`: the program waits for `go` before it works in the tree, and for `end` before it
/// ends. It says `begun`, what it found, and `done`.
const PROGRAM: &str = r#"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static char path[4096];
static char *in(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", getenv("SAYS"), name);
    return path;
}
static void say(const char *name, const char *what, int number)
{
    char text[200];
    int length = snprintf(text, sizeof text, "%s %d\n", what, number);
    snprintf(path, sizeof path, "%s/%s.part", getenv("SAYS"), name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd < 0 || write(fd, text, length) != length || close(fd)) _exit(9);
    char from[4096];
    strcpy(from, path);
    if (rename(from, in(name))) _exit(9);
}
static void await(const char *name)
{
    for (int i = 0; i < 30000; i++) {
        if (!access(in(name), F_OK)) return;
        if (errno != ENOENT) _exit(8);
        usleep(2000);
    }
    _exit(7);
}
static int works(void)
{
    char line[40] = "";
    struct stat s;
    int fd, names = 0;
    if ((fd = open("file", O_RDONLY)) < 0) return errno;
    if (read(fd, line, 39) != 8 || strcmp(line, "content\n") || close(fd)) return 1000;
    if ((fd = open("made", O_CREAT | O_EXCL | O_RDWR, 0640)) < 0) return errno;
    if (write(fd, "of the daemon\n", 14) != 14 || fstat(fd, &s) || s.st_size != 14 || close(fd)) return 1001;
    if (mkdir("new", 0755) || rename("made", "new/made") || chdir("new") || chdir("..")) return errno;
    if ((fd = open("kept", O_CREAT | O_WRONLY, 0600)) < 0 || write(fd, "open\n", 5) != 5) return errno;
    DIR *directory = opendir(".");
    if (!directory) return errno;
    while (readdir(directory)) names++;
    closedir(directory);
    return names == 6 ? 0 : 2000 + names;
}
int main(int count, char **word)
{
    int how = count > 1 ? *word[1] : 0;
    if (how == 'd' && fork()) return 0;
    if (how == 'd') setsid();
    if (how == 'd' && fork()) return 0;
    if (how) for (int fd = 0; fd < 3; fd++) close(fd);
    say("begun", "", getpid());
    await("go");
    int wrong = works();
    say("done", wrong ? strerror(wrong) : "well", wrong);
    await("end");
    return 0;
}"#;

/// Such a program, and where it tells.
pub struct Stays {
    /// The program.
    pub program: PathBuf,
    says: PathBuf,
    store: PathBuf,
}

impl Stays {
    /// Compiles it. `None`: here none is answered.
    pub fn new(sandbox: &Sandbox) -> Option<Stays> {
        if !cfg!(target_arch = "x86_64") || !crate::installed::is_real() {
            return None;
        }
        let source = sandbox.write("outside/stays.c", PROGRAM);
        let (program, says) = (sandbox.path("outside/stays"), sandbox.path("says"));
        let mut gcc = Command::new("gcc");
        let compiled = gcc.args(["-static", "-w", "-o"]).arg(&program).arg(source).status();
        assert!(compiled.expect("started").success());
        fs::create_dir(&says).expect("made");
        Some(Stays { program, says, store: sandbox.path("store") })
    }

    /// For a command by which it is started.
    pub fn given<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("SAYS", &self.says).env("STAYS", &self.program)
    }

    /// Tells it to go on.
    pub fn tell(&self, what: &str) {
        fs::write(self.says.join(what), "").expect("written");
    }

    /// Waits for what it says.
    #[track_caller]
    pub fn hear(&self, what: &str) -> String {
        let path = self.says.join(what);
        until(|| path.exists());
        fs::read_to_string(path).expect("read").trim().to_owned()
    }

    /// The processes that were started with the sandbox's store, and live.
    pub fn processes(&self) -> Vec<i32> {
        let mut variable = b"VRIFT_HOME=".to_vec();
        variable.extend(std::os::unix::ffi::OsStrExt::as_bytes(self.store.as_os_str()));
        let is_ours = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|part| part == variable)
        };
        let entries = fs::read_dir("/proc").expect("there are processes").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(is_ours).collect()
    }

    /// Waits until none of them is left.
    #[track_caller]
    pub fn nobody_is_left(&self) {
        until(|| self.processes().is_empty());
    }
}

/// The process of a run that does its work: the child of the one that was started.
#[track_caller]
pub fn back(front: &Child) -> rustix::process::Pid {
    let path = format!("/proc/{0}/task/{0}/children", front.id());
    let child =
        || fs::read_to_string(Path::new(&path)).ok()?.split_whitespace().next()?.parse().ok();
    until(|| child().is_some());
    rustix::process::Pid::from_raw(child().expect("seen")).expect("a number")
}

/// Waits for something.
#[track_caller]
pub fn until(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}
