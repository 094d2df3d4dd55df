//! Another user on the same machine. Only root can become one, so for others there is nothing to try.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use vrift_manifest::handover::Handover;
use vrift_tests::fixture::Fixture;
use vrift_tests::installed::{command, is_real, sandbox};
use vrift_tests::sandbox::{Said, Sandbox, said};

const STRANGER: u32 = 12345;

/// A sandbox that a stranger can enter, and a copy of the command that he can execute; `None`: nobody can become one here.
fn scene() -> Option<Sandbox> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can become another user");
        return None;
    }
    let sandbox = sandbox();
    let open = |path: &Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours");
    };
    open(&sandbox.path("."));
    // The runtime directory as /dev/shm is: everybody may enter and make something.
    fs::set_permissions(sandbox.path("home"), fs::Permissions::from_mode(0o1777)).expect("ours");
    fs::create_dir(sandbox.path("bin")).expect("made");
    for name in ["vrift", "libvrift_shim.so"] {
        fs::copy(command().with_file_name(name), sandbox.path("bin").join(name)).expect("copied");
        open(&sandbox.path("bin").join(name));
    }
    let list = said(stranger(&sandbox, "sh").args(["-c", "test -x bin/vrift"]));
    if list.code != Some(0) {
        println!("skipped: a stranger cannot come here: {list:?}");
        return None;
    }
    works_with_a_store_of_his_own(&sandbox);
    Some(sandbox)
}

/// The control: his copy of the command does all that he is refused elsewhere, in a store and with a runtime directory of his
/// own. So it is not his copy, his environment or this machine that refuses.
#[track_caller]
fn works_with_a_store_of_his_own(sandbox: &Sandbox) {
    let own = sandbox.path("own");
    fs::create_dir(&own).expect("made");
    std::os::unix::fs::chown(&own, Some(STRANGER), Some(STRANGER)).expect("root gives it away");
    let script = r#"
        cd own; mkdir home project; export VRIFT_HOME=$PWD/store XDG_RUNTIME_DIR=$PWD/home
        echo his >project/file; V=$PWD/../bin/vrift
        $V ingest project --name w >&2; $V ls w; $V cat w:file; $V snapshot w mine >&2; $V fork w f >&2; $V drop f >&2
        $V export w out >&2; cat out/file; $V gc >&2; $V fsck --repair >&2
        cd project; $V run -w w -- sh -ec 'echo in the tree >made; cat made'; $V cat w:made; cat made 2>&1"#;
    let said = said(stranger(sandbox, "sh").args(["-ec", script]));
    let wanted = match is_real() {
        // The last one looks at the disk, on which it is not.
        true => "file\nhis\nhis\nin the tree\nin the tree\ncat: made: No such file or directory\n",
        false => "file\nhis\nhis\nin the tree\n",
    };
    assert_eq!(said.text(), wanted, "a store of his own: {said:?}");
    fs::remove_dir_all(own).expect("removed");
}

/// A program that the stranger starts.
fn stranger(sandbox: &Sandbox, program: &str) -> Command {
    let mut command = Command::new(program);
    command.uid(STRANGER).gid(STRANGER).current_dir(sandbox.path(".")).stdin(Stdio::null());
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    command.env("VRIFT_HOME", sandbox.path("store"));
    command.env("XDG_RUNTIME_DIR", sandbox.path("home")).env("HOME", "/nowhere");
    command
}

fn vrift(sandbox: &Sandbox, words: &[&str]) -> Said {
    said(stranger(sandbox, &sandbox.path("bin/vrift").to_string_lossy()).args(words))
}

#[test]
fn a_stranger_can_neither_read_nor_change_a_workspace() {
    let Some(sandbox) = scene() else { return };
    let before = sandbox.store_names();
    for words in [
        &["ls", "w"][..],
        &["cat", "w:file"],
        &["list"],
        &["log", "w"],
        &["export", "w", "/tmp/never-made"],
        &["snapshot", "w", "mine"],
        &["fork", "w", "mine"],
        &["drop", "w"],
        &["gc"],
        &["fsck", "--repair"],
        &["run", "-w", "w", "--", "true"],
    ] {
        let said = vrift(&sandbox, words);
        assert!(!matches!(said.code, Some(0) | None), "{words:?}: {said:?}");
        assert!(!said.text().contains("content"), "{words:?}: {said:?}");
    }
    let looks =
        "cat store/format || ls store || ls home/vrift-0 || cat store/workspaces/w/workspace.toml";
    let said = said(stranger(&sandbox, "sh").args(["-c", looks]));
    assert_ne!(said.code, Some(0), "{said:?}");
    assert_eq!(said.text(), "");
    assert_eq!(sandbox.store_names(), before);
}

#[test]
fn a_stranger_with_the_library_and_the_words_of_a_session_gets_nothing() {
    let Some(sandbox) = scene() else { return };
    if !is_real() {
        return;
    }
    let workspace = Fixture::of(&sandbox).open("w");
    let session = Handover::of(&workspace).expect("a handover").to_text();
    let project = sandbox.path("project");
    let script = format!(
        "cd / ; cat '{0}/file'; ls '{0}'; echo theirs > '{0}/file'; rm '{0}/file'; cd '{0}' && cat file",
        project.display()
    );
    let mut shell = stranger(&sandbox, "sh");
    shell.env("LD_PRELOAD", sandbox.path("bin/libvrift_shim.so")).env("VRIFT_SESSION", session);
    let said = said(shell.args(["-c", &script]));
    assert!(!said.text().contains("content"), "{said:?}");
    assert!(!said.text().contains("below"), "the names of the tree: {said:?}");
    assert_eq!(sandbox.ok(["cat", "w:file"]).text(), "content\n");
}

#[test]
fn what_a_stranger_has_put_in_the_runtime_directory_is_not_used() {
    let Some(sandbox) = scene() else { return };
    // Gone at a logout, and made again by somebody else under the name that is known to all.
    fs::remove_dir_all(sandbox.path("home/vrift-0")).expect("removed");
    let planted =
        said(stranger(&sandbox, "sh").args(["-c", "mkdir home/vrift-0 && chmod 777 home/vrift-0"]));
    assert_eq!(planted.code, Some(0), "{planted:?}");
    assert_eq!(sandbox.ok(["cat", "w:file"]).text(), "content\n");
    sandbox.ok(["snapshot", "w", "s"]);
    if is_real() {
        let run = vrift_tests::installed::run(&sandbox, ["sh", "-c", "echo secret > new"]);
        assert_eq!(run.code, Some(0), "{}", run.err);
    }
    let found: Vec<_> = fs::read_dir(sandbox.path("home/vrift-0")).expect("there").collect();
    assert!(found.is_empty(), "in the stranger's directory: {found:?}");
}

/// The socket of a run has a name that everybody sees. Who hands it a listener is answered with his own rights, which end at
/// the store.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_run_lends_its_rights_to_no_stranger_who_asks_it() {
    let Some(sandbox) = scene() else { return };
    if !is_real() {
        return;
    }
    let (source, program) =
        (sandbox.write("bin/l.c", include_str!("listener.c")), sandbox.path("bin/l"));
    let gcc = Command::new("gcc").args(["-static", "-w", "-o"]).args([&program, &source]).status();
    assert!(gcc.expect("started").success());
    // What falls through to the disk finds nothing.
    fs::remove_dir_all(sandbox.path("project")).expect("removed");
    fs::create_dir(sandbox.path("project")).expect("made again");
    let id = Handover::of(&Fixture::of(&sandbox).open("w")).expect("a handover").id;
    let mut words =
        vrift_tests::installed::run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c"]);
    let mut run = words
        .arg("echo begun; read line")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut begun = [0; 6];
    let mut out = run.stdout.take().expect("piped");
    std::io::Read::read_exact(&mut out, &mut begun).expect("it begins");
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "60"]).arg(&program).arg(sandbox.path("project")).arg(id);
    command.uid(STRANGER).gid(STRANGER).current_dir("/").stdin(Stdio::null());
    let said = said(&mut command);
    drop(run.stdin.take());
    run.wait().expect("it ends");
    let text = said.text();
    if text.contains("no run is found") || text.contains("no listener here") {
        println!("skipped: {text}");
        return;
    }
    assert_eq!(said.code, Some(0), "{said:?}");
    for call in ["open", "write", "stat", "rename", "xattr", "unlink", "mkdir", "chdir", "shadow"] {
        assert!(text.contains(&format!("{call} Permission denied\n")), "{call}: {text}");
    }
    assert!(text.contains("outside No such file or directory\n"), "{text}");
    assert_eq!(sandbox.ok(["cat", "w:file"]).text(), "content\n");
    assert!(!sandbox.ok(["ls", "w"]).text().contains("made"));
}
