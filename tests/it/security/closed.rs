//! A store and what belongs to it are closed to others, whatever the umask is, also while files are being written.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use vrift_tests::installed::{command, is_real, run_in};
use vrift_tests::sandbox::{Sandbox, said};

/// Everything below a directory, itself too.
fn everything(directory: &Path) -> Vec<PathBuf> {
    let (mut found, mut pending) = (vec![directory.to_owned()], vec![directory.to_owned()]);
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).expect("it is ours") {
            let path = entry.expect("it is ours").path();
            if path.symlink_metadata().expect("it is there").is_dir() {
                pending.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}

/// A shell's script under a umask, with the command as `$V`.
fn under(sandbox: &Sandbox, umask: &str, script: &str) -> String {
    let template = sandbox.command(".", [""; 0]);
    let mut shell = Command::new("sh");
    shell.args(["-ec", &format!("umask {umask}; {script}")]).current_dir(sandbox.path("."));
    for (name, value) in template.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let said = said(shell.env("V", command()).env("STORE", sandbox.path("store")));
    assert_eq!(said.code, Some(0), "umask {umask}: {}{}", said.text(), said.err);
    said.text()
}

#[test]
fn a_store_and_its_drafts_are_closed_to_others_under_any_umask() {
    for umask in ["0000", "0022", "0077", "0277", "0777"] {
        let sandbox = Sandbox::new();
        sandbox.write("project/file", "content\n");
        for name in ["tool", "library.so"] {
            fs::copy("/bin/true", sandbox.path("project").join(name)).expect("a program");
        }
        let mut script =
            "$V ingest project --name w; $V snapshot w s; $V fork w fork; $V compact w".to_owned();
        if is_real() {
            // While files are open, and what a set-user-id bit makes of a draft, and one without a name.
            // And what is executed out of the tree, or loaded.
            script += "; cd project; $V run -w w -- sh -c '
                ./tool; LD_LIBRARY_PATH=. env true
                exec 3> new; echo secret >&3; exec 4>> file; echo secret >&4
                find \"$STORE/workspaces\" -type f -path \"*/drafts/*\" | wc -l
                find \"$STORE/workspaces\" -path \"*/drafts*\" -perm /077 ! -type l'";
        }
        let told = under(&sandbox, umask, &script);
        if is_real() {
            let last: Vec<&str> = told.lines().rev().take(1).collect();
            assert_eq!(
                last,
                ["2"],
                "umask {umask}: two drafts, and none that others could open: {told}"
            );
        }
        let store = sandbox.path("store");
        let mode = |path: &Path| path.symlink_metadata().expect("it is there").mode() & 0o777;
        assert_eq!(mode(&store), 0o700, "umask {umask}");
        let directories = everything(&store).into_iter().filter(|path| path.is_dir());
        for path in directories {
            assert_eq!(mode(&path), 0o700, "umask {umask}: {}", path.display());
        }
        // The live index: in a directory that nobody else enters.
        let user = rustix::process::geteuid().as_raw();
        let runtime = sandbox.path("home").join(format!("vrift-{user}"));
        assert_eq!(mode(&runtime), 0o700, "umask {umask}");
        for path in everything(&runtime) {
            assert_eq!(mode(&path) & 0o077, 0, "umask {umask}: {}", path.display());
        }
    }
}

#[test]
fn nothing_is_made_in_predictable_places_but_a_directory_that_nobody_else_enters() {
    let sandbox = Sandbox::new();
    sandbox.write("project/file", "content\n");
    let temporary = sandbox.path("temporary");
    fs::create_dir(&temporary).expect("made");
    let run = |words: &[&str]| {
        let said = said(run_in(&sandbox, ".", words).env("TMPDIR", &temporary));
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.err);
    };
    run(&["ingest", "project", "--name", "w"]);
    if is_real() {
        let script = "echo new > new; cp /bin/true program; ./program; mv new old";
        run(&[
            "run",
            "-w",
            "w",
            "--",
            "sh",
            "-ec",
            &format!("cd '{}'; {script}", sandbox.path("project").display()),
        ]);
    }
    for words in [
        &["snapshot", "w", "s"][..],
        &["fork", "w", "f"],
        &["compact", "w"],
        &["gc", "--grace", "0s"],
        &["fsck"],
        &["export", "w", "out"],
        &["status", "w"],
    ] {
        run(words);
    }
    let left: Vec<_> = fs::read_dir(&temporary).expect("it is ours").collect();
    assert!(left.is_empty(), "in the directory for temporary files: {left:?}");
    let user = rustix::process::geteuid().as_raw();
    let names: Vec<_> = fs::read_dir(sandbox.path("home"))
        .expect("it is ours")
        .map(|entry| entry.expect("it is ours").file_name().into_string().expect("text"))
        .collect();
    assert_eq!(names, [format!("vrift-{user}")], "in the runtime directory");
}

#[test]
fn a_directory_that_somebody_has_put_there_is_passed_over() {
    // The predictable name is taken: by a symlink, by a directory that others can enter, by a file.
    for planted in ["symlink", "open", "file"] {
        let sandbox = Sandbox::new();
        sandbox.write("project/file", "content\n");
        let user = rustix::process::geteuid().as_raw();
        let place = sandbox.path("home").join(format!("vrift-{user}"));
        let trap = sandbox.path("trap");
        fs::create_dir(&trap).expect("made");
        match planted {
            "symlink" => std::os::unix::fs::symlink(&trap, &place).expect("made"),
            "open" => {
                use std::os::unix::fs::PermissionsExt;
                fs::create_dir(&place).expect("made");
                fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).expect("ours");
            }
            _ => fs::write(&place, "").expect("made"),
        }
        for words in [&["ingest", "project", "--name", "w"][..], &["snapshot", "w", "s"], &["fsck"]]
        {
            let said = said(&mut run_in(&sandbox, ".", words));
            assert_eq!(said.code, Some(0), "{planted}: {words:?}: {}", said.err);
        }
        assert_eq!(sandbox.ok(["cat", "w:file"]).text(), "content\n");
        let inside = |path: &Path| fs::read_dir(path).map_or(0, Iterator::count);
        assert_eq!((inside(&trap), inside(&place)), (0, 0), "{planted}: something was put there");
    }
}

#[test]
fn what_is_put_aside_is_closed_to_others_under_any_umask() {
    for umask in ["0000", "0777"] {
        let sandbox = Sandbox::new();
        sandbox.write("project/file", "content\n");
        let script = "$V ingest project; $V drop project
            chmod u+w $STORE/images/*; for image in $STORE/images/*; do echo other > $image; done
            $V fsck --repair";
        let told = under(&sandbox, umask, script);
        assert!(told.contains("nothing needs it; moved aside"), "umask {umask}: {told}");
        let mode = sandbox.path("store/damaged").metadata().expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o700, "umask {umask}");
    }
}
