//! Writing back what changed in the workspace.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use super::picture::{of_workspace, picture};
use super::{does_nothing, inside, on_disk, outside, scene, settle, status};

#[test]
fn what_the_workspace_has_changed_is_in_the_directory_and_what_others_changed_there_stays() {
    let sandbox = scene();
    inside(
        &sandbox,
        "echo ours > b; echo new > sub/new; rm c; rm -r sub/deep; ln -s a link; mkdir -p d/e; \
         echo in > d/e/f; chmod 4711 sub/x; mkfifo pipe; rm sub/y; mkdir sub/y; echo g > sub/y/g",
    );
    outside(&sandbox, "echo theirs > a; echo theirs > sub/theirs");
    let said = sandbox.ok(["apply", "w"]);
    assert!(said.text().starts_with("w@"), "{}", said.text());
    assert_eq!(on_disk(&sandbox, "a"), "theirs\n");
    assert_eq!(on_disk(&sandbox, "sub/theirs"), "theirs\n");
    assert_eq!(status(&sandbox), ["directory changed a (content)", "directory added sub/theirs"]);
    does_nothing(&sandbox, "apply");
    sandbox.ok(["sync", "w"]);
    assert!(status(&sandbox).is_empty());
    assert_eq!(picture(&sandbox.path("project")), of_workspace(&sandbox));
    does_nothing(&sandbox, "sync");
    does_nothing(&sandbox, "apply");
    sandbox.ok(["fsck"]);
}

#[test]
fn times_of_files_and_directories_are_the_workspaces_to_the_nanosecond() {
    let sandbox = scene();
    inside(
        &sandbox,
        "echo ours > b; echo new > sub/new; mkdir d; echo in > d/f; ln -s b link; touch c; chmod 600 a",
    );
    sandbox.ok(["apply", "w"]);
    let exported = sandbox.path("exported");
    sandbox.ok(["export", "w", exported.to_str().expect("text")]);
    for name in ["", "a", "b", "c", "sub", "sub/new", "sub/x", "d", "d/f", "link"] {
        let look = |at: std::path::PathBuf| {
            let stat = at.join(name).symlink_metadata().expect("it is there");
            (stat.mtime(), stat.mtime_nsec(), stat.mode())
        };
        assert_eq!(look(sandbox.path("project")), look(exported.clone()), "{name}");
    }
}

#[test]
fn make_finds_everything_up_to_date() {
    if Command::new("make").arg("--version").output().is_err() {
        return;
    }
    let sandbox = vrift_tests::sandbox::Sandbox::new();
    sandbox.write(
        "project/Makefile",
        "all: out/c\nout/b: a\n\tmkdir -p out; cp a out/b\nout/c: out/b\n\tcp out/b out/c\n",
    );
    sandbox.write("project/a", "text");
    settle();
    sandbox.ok(["ingest", "project", "--name", "w"]);
    inside(&sandbox, "make");
    sandbox.ok(["apply", "w"]);
    let make = Command::new("make").arg("-q").current_dir(sandbox.path("project")).status();
    assert_eq!(make.expect("make").code(), Some(0));
}

#[test]
fn names_of_one_file_are_names_of_one_file_afterwards() {
    let sandbox = scene();
    outside(&sandbox, "ln a twin");
    sandbox.ok(["sync", "w"]);
    inside(
        &sandbox,
        "ln sub/x d1; mkdir d; ln sub/x d/d2; echo more >> a; echo p > p; ln p q; ln c cc",
    );
    sandbox.ok(["apply", "w"]);
    let inode = |name: &str| sandbox.path("project").join(name).metadata().expect(name).ino();
    for names in [&["sub/x", "d1", "d/d2"][..], &["a", "twin"], &["p", "q"], &["c", "cc"]] {
        let inodes: Vec<u64> = names.iter().map(|name| inode(name)).collect();
        assert!(inodes.iter().all(|one| *one == inodes[0]), "{names:?}: {inodes:?}");
    }
    assert!(status(&sandbox).is_empty());
}

#[test]
fn a_permission_is_that_of_the_names_that_have_it_in_the_workspace() {
    let sandbox = scene();
    outside(&sandbox, "ln a twin; ln b other");
    sandbox.ok(["sync", "w"]);
    inside(&sandbox, "chmod 600 a; cp -p other o; mv o other; chmod 600 b");
    let said = sandbox.ok(["apply", "w"]);
    assert_eq!(said.err, "");
    let mode = |name: &str| {
        let stat = sandbox.path("project").join(name).metadata().expect(name);
        format!("{name} {:o}", stat.mode() & 0o777)
    };
    let kept = sandbox.path("project/c").metadata().expect("c").mode() & 0o777;
    let modes = ["a", "twin", "b", "other"].map(mode);
    assert_eq!(modes, ["a 600", "twin 600", "b 600", &format!("other {kept:o}")]);
    assert!(status(&sandbox).is_empty());
}

#[test]
fn attributes_are_kept() {
    let sandbox = scene();
    let set =
        |command: &mut Command| command.args(["-n", "user.note", "-v", "text"]).arg("a").output();
    let Ok(tried) = set(Command::new("setfattr").current_dir(sandbox.path("project"))) else {
        return;
    };
    if !tried.status.success() {
        return;
    }
    sandbox.ok(["sync", "w"]);
    inside(&sandbox, "echo new >> a; setfattr -n user.other -v more b");
    sandbox.ok(["apply", "w"]);
    let get = |name: &str, path: &str| {
        let mut command = Command::new("getfattr");
        command.args(["--only-values", "-n", name, path]).current_dir(sandbox.path("project"));
        String::from_utf8_lossy(&command.output().expect("getfattr").stdout).into_owned()
    };
    assert_eq!((get("user.note", "a").as_str(), get("user.other", "b").as_str()), ("text", "more"));
    assert!(status(&sandbox).is_empty());
}

#[test]
fn nothing_is_written_through_a_symlink_that_leads_out() {
    let sandbox = scene();
    sandbox.write("elsewhere/x", "not ours\n");
    inside(&sandbox, "echo ours > sub/x; echo ours > sub/new");
    outside(&sandbox, "mv sub away; ln -s ../elsewhere sub");
    let said = sandbox.run(["apply", "w"]);
    assert_eq!(said.code, Some(1), "{}", said.text());
    assert_eq!(fs::read_to_string(sandbox.path("elsewhere/x")).expect("there"), "not ours\n");
    assert!(!sandbox.path("elsewhere/new").exists());
    // By force the symlink goes, and not what it leads to.
    sandbox.ok(["apply", "w", "--force"]);
    assert_eq!(fs::read_to_string(sandbox.path("elsewhere/x")).expect("there"), "not ours\n");
    assert_eq!(on_disk(&sandbox, "sub/x"), "ours\n");
}

#[test]
fn what_was_left_out_is_left_alone() {
    let sandbox = scene();
    outside(&sandbox, "mkdir target; echo real > target/out; echo real > k.o");
    sandbox.ok(["ingest", "project", "--name", "w", "--exclude", "target/", "--exclude", "*.o"]);
    inside(
        &sandbox,
        "mkdir target; echo ours > target/out; echo ours > k.o; mkdir d; echo o > d/z.o; echo c > d/z.c",
    );
    sandbox.ok(["apply", "w"]);
    assert_eq!(on_disk(&sandbox, "target/out"), "real\n");
    assert_eq!(on_disk(&sandbox, "k.o"), "real\n");
    assert_eq!(on_disk(&sandbox, "d/z.c"), "c\n");
    assert!(!sandbox.path("project/d/z.o").exists());
    assert!(status(&sandbox).is_empty());
}

#[test]
fn a_directory_that_cannot_be_written_is_named_and_the_rest_is_done() {
    if rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = scene();
    inside(&sandbox, "echo ours > b; echo ours > sub/x");
    let sub = sandbox.path("project/sub");
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o555)).expect("ours");
    let said = sandbox.run(["apply", "w"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("sub/x: ") && said.err.contains("denied"), "{}", said.err);
    assert_eq!(
        (on_disk(&sandbox, "b"), on_disk(&sandbox, "sub/x")),
        ("ours\n".into(), "sub/x as it was\n".into())
    );
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o755)).expect("ours");
    sandbox.ok(["apply", "w"]);
    assert_eq!(on_disk(&sandbox, "sub/x"), "ours\n");
}

#[test]
fn a_file_that_somebody_is_writing_in_the_directory_stays() {
    use std::io::Write;
    let sandbox = scene();
    inside(&sandbox, "echo ours > b; rm c");
    let open = |name: &str| {
        let path = sandbox.path("project").join(name);
        fs::File::options().append(true).open(path).expect("it is there")
    };
    let (mut b, mut c) = (open("b"), open("c"));
    let said = sandbox.run(["apply", "w"]);
    b.write_all(b"and more\n").expect("written");
    c.write_all(b"and more\n").expect("written");
    // Where the file system has no leases, it is not seen that somebody writes.
    if said.code == Some(0) {
        return;
    }
    for name in ["b", "c"] {
        let named = format!("{name}: changed in the directory meanwhile");
        assert!(said.err.contains(&named), "{}", said.err);
        assert_eq!(on_disk(&sandbox, name), format!("{name} as it was\nand more\n"));
    }
    assert_eq!(picture(&sandbox.path("project")).len(), 8, "nothing is left behind");
}

#[test]
fn two_names_of_one_directory_a_full_history_and_no_names_of_ours_are_left() {
    let sandbox = scene();
    for round in 0..3 {
        inside(&sandbox, &format!("echo {round} > b; echo {round} > sub/new"));
        sandbox.ok(["apply", "w"]);
    }
    let names: Vec<String> = picture(&sandbox.path("project")).into_keys().collect();
    assert!(!names.iter().any(|name| name.contains(".vrift")), "{names:?}");
    assert_eq!(names.len(), 9, "{names:?}");
}

#[test]
fn one_apply_at_a_time() {
    let sandbox = scene();
    let directory = fs::File::open(sandbox.path("store/workspaces/w")).expect("a workspace");
    let lock = rustix::fs::FlockOperation::LockExclusive;
    rustix::fs::flock(&directory, lock).expect("locked");
    for command in ["sync", "apply"] {
        let said = sandbox.run([command, "w"]);
        assert_eq!(said.code, Some(1));
        assert!(said.err.contains("is at work"), "{}", said.err);
    }
    sandbox.ok(["status", "w"]);
}
