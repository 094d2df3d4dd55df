//! Running something where the kernel refuses certain calls, as sandboxes do: by a seccomp filter.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// What is refused, and with which errno, is told by words: `lease`, `reflink`, `exchange`, `nameless`, `robust`,
/// `listener`, `ptrace`, `socket`.
const PROGRAM: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#define ARGUMENT(n) offsetof(struct seccomp_data, args[n])
#define NUMBER offsetof(struct seccomp_data, nr)
#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define END(with) BPF_STMT(BPF_RET | BPF_K, with)
static struct sock_filter filter[100];
static unsigned short count;
static void add(struct sock_filter statement) { filter[count++] = statement; }
/* The call, if of its argument n all bits of mask are as in value; without a mask, always. */
static void refuse(int call, int n, unsigned mask, unsigned value, int error)
{
    add((struct sock_filter)LOAD(NUMBER));
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4));
    add((struct sock_filter)LOAD(ARGUMENT(n)));
    add((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    add((struct sock_filter)END(SECCOMP_RET_ERRNO | error));
}
int main(int words, char **word)
{
    int at = 1;
    for (; at < words && strcmp(word[at], "--"); at++) {
        const char *what = word[at];
        if (!strcmp(what, "lease")) refuse(SYS_fcntl, 1, ~0u, F_SETLEASE, EINVAL);
        else if (!strcmp(what, "reflink")) refuse(SYS_ioctl, 1, ~0u, FICLONE, EOPNOTSUPP);
        else if (!strcmp(what, "exchange")) refuse(SYS_renameat2, 4, 2, 2, EINVAL);
        else if (!strcmp(what, "nameless")) refuse(SYS_openat, 2, 020200000, 020200000, EOPNOTSUPP);
        else if (!strcmp(what, "robust")) refuse(SYS_set_robust_list, 0, 0, 0, ENOSYS), refuse(SYS_get_robust_list, 0, 0, 0, ENOSYS);
        else if (!strcmp(what, "listener")) refuse(SYS_seccomp, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_NEW_LISTENER, EPERM);
        else if (!strcmp(what, "ptrace")) refuse(SYS_ptrace, 0, 0, 0, EPERM);
        else if (!strcmp(what, "socket")) refuse(SYS_socket, 0, ~0u, 1, EACCES);
        else return 120;
    }
    add((struct sock_filter)END(SECCOMP_RET_ALLOW));
    struct sock_fprog program = { count, filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) return 121;
    execvp(word[at + 1], word + at + 1);
    return 122;
}
"#;

fn program() -> &'static Path {
    static ROOM: OnceLock<tempfile::TempDir> = OnceLock::new();
    static PROGRAM_AT: OnceLock<std::path::PathBuf> = OnceLock::new();
    PROGRAM_AT.get_or_init(|| {
        let room = ROOM.get_or_init(|| tempfile::tempdir().expect("a directory"));
        let (source, path) = (room.path().join("refusing.c"), room.path().join("refusing"));
        std::fs::write(&source, PROGRAM).expect("written");
        let status = Command::new("gcc").arg("-o").args([&path, &source]).status();
        assert!(status.expect("gcc").success());
        path
    })
}

/// `command`, where `what` is refused.
pub fn refusing(what: &[&str], command: &Command) -> Command {
    let mut refusing = Command::new(program());
    refusing.args(what).arg("--").arg(command.get_program()).args(command.get_args());
    like(refusing, command)
}

/// `command` by a shell in a view of the machine of its own, after `script`, which may mount things. `None`: this user may
/// have none.
pub fn with_mounts(script: &str, command: &Command) -> Option<Command> {
    let unshare = |words: &[&OsStr]| {
        let mut unshare = Command::new("unshare");
        let user: &[&str] = if rustix::process::geteuid().is_root() { &[] } else { &["-Ur"] };
        unshare.args(user).args(["-m", "sh", "-ec"]).args(words);
        unshare
    };
    let can_be = unshare(&["true".as_ref()]).output().is_ok_and(|said| said.status.success());
    if !can_be {
        println!("skipped: this user may mount nothing");
        return None;
    }
    let script = format!("{script}\nexec \"$@\"");
    let mut words = vec![OsStr::new(&script), OsStr::new("sh"), command.get_program()];
    words.extend(command.get_args());
    Some(like(unshare(&words), command))
}

/// Whether this process, and so all that it starts, ignores a signal: who was called by `nohup`, or in the background.
pub fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0);
    set >> (signal - 1) & 1 == 1
}

/// With the directory and the environment of another.
fn like(mut one: Command, other: &Command) -> Command {
    if let Some(directory) = other.get_current_dir() {
        one.current_dir(directory);
    }
    for (name, value) in other.get_envs() {
        match value {
            Some(value) => one.env(name, value),
            None => one.env_remove(name),
        };
    }
    one.stdin(std::process::Stdio::null());
    one
}
