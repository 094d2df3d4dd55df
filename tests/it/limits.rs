//! Stores that cannot be used as usual: newer, read-only, full; and files that do not hold still.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use vrift_tests::sandbox::{Said, Sandbox, said, vrift};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a shell script in the sandbox, with the command as `$V`.
fn shell(sandbox: &Sandbox, script: &str) -> Said {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(sandbox.path(".")).stdin(Stdio::null());
    command.env("V", vrift()).env("VRIFT_HOME", sandbox.path("store"));
    command.env("XDG_RUNTIME_DIR", sandbox.path("home"));
    said(&mut command)
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("src/file", "x");
    sandbox.ok(["ingest", "src"]);
    let format = sandbox.path("store/format");
    let text = fs::read_to_string(&format).unwrap().replace("store 1", "store 2");
    fs::write(&format, text).unwrap();
    let before = sandbox.store_names();
    for arguments in [
        &["ingest", "src"][..],
        &["list"],
        &["fsck", "--repair"],
        &["gc"],
        &["export", "src", "out"],
    ] {
        let said = sandbox.run(arguments);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("format 2") && said.err.contains("newer vrift"), "{}", said.err);
    }
    assert_eq!(sandbox.store_names(), before);
}

#[test]
fn a_store_that_cannot_be_written_can_be_looked_at() {
    if is_root() {
        println!("skipped: root writes everywhere");
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("src/file", "x");
    sandbox.ok(["ingest", "src"]);
    let all = |mode| {
        for directory in [
            "",
            "blobs",
            "staging",
            "active",
            "trash",
            "images",
            "journals",
            "workspaces",
            "workspaces/src",
        ] {
            let path = sandbox.path("store").join(directory);
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    all(0o500);
    let looks = [&["list"][..], &["cat", "src:file"], &["export", "src", "out"], &["fsck"]];
    let seen: Vec<_> = looks.iter().map(|arguments| sandbox.run(*arguments)).collect();
    let changes = [&["gc"][..], &["fsck", "--repair"]];
    let refused: Vec<_> = changes.iter().map(|arguments| sandbox.run(*arguments)).collect();
    sandbox.write("src/file", "changed");
    let ingest = sandbox.run(["ingest", "src"]);
    all(0o700);
    for said in seen {
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    for said in refused.iter().chain([&ingest]) {
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("store") && said.err.contains("hint:"), "{}", said.err);
    }
    sandbox.ok(["ingest", "src"]);
    sandbox.ok(["fsck"]);
}

#[test]
fn a_file_size_limit_fails_with_a_message_and_loses_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("src/small", "small");
    sandbox.ok(["ingest", "src"]);
    sandbox.write("src/large", vec![7; 3 << 20]);
    let said = shell(&sandbox, "ulimit -f 4000; exec $V ingest src");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("hint: make room"), "{}", said.err);
    assert_eq!(sandbox.ok(["cat", "src:small"]).text(), "small");
    sandbox.ok(["fsck"]);
    sandbox.ok(["ingest", "src"]);
    let said = shell(&sandbox, "ulimit -f 4000; exec $V export src out");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("large"), "{}", said.err);
}

#[test]
fn a_full_disk_fails_with_a_message_and_loses_nothing() {
    let script = "mount -t tmpfs -o size=3m none full && mkdir full/store && export VRIFT_HOME=$PWD/full/store || exit 77
        $V ingest small || exit 78
        $V ingest large; echo code $?
        $V fsck && $V cat small:file
        mount -o remount,size=30m none full && $V ingest large && $V fsck";
    let sandbox = Sandbox::new();
    sandbox.write("small/file", "small");
    let mut large = vec![0; 5 << 20];
    large
        .iter_mut()
        .zip(0_u32..)
        .for_each(|(byte, place)| *byte = (place.wrapping_mul(2_654_435_761) >> 24) as u8);
    sandbox.write("large/file", large);
    fs::create_dir(sandbox.path("full")).unwrap();
    let quoted = script.replace('\'', "");
    let said = shell(&sandbox, &format!("unshare -m sh -c '{quoted}' || exit $?"));
    if !is_root() || said.code == Some(77) || said.err.contains("unshare") {
        println!("skipped: nobody lets us mount");
        return;
    }
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.text().contains("code 1") && said.text().contains("small"), "{said:?}");
    assert!(
        said.err.contains("No space left") && said.err.contains("hint: make room"),
        "{}",
        said.err
    );
}

#[test]
fn a_file_that_changes_all_the_time_is_stored_whole_or_reported() {
    let sandbox = Sandbox::new();
    sandbox.write("src/still", "still");
    let path = sandbox.write("src/busy", "");
    let stop = AtomicBool::new(false);
    let said = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0_u8;
            while !stop.load(Ordering::Relaxed) {
                round = round.wrapping_add(1);
                fs::write(&path, vec![round; 200_000]).unwrap();
            }
        });
        let said = sandbox.run(["ingest", "src"]);
        stop.store(true, Ordering::Relaxed);
        said
    });
    match said.code {
        Some(0) => {
            let busy = sandbox.ok(["cat", "src:busy"]).out;
            assert!(busy.iter().all(|byte| *byte == busy[0]), "a mixture was stored");
        }
        Some(1) => {
            assert!(said.err.contains("busy: changed each time it was read"), "{}", said.err)
        }
        _ => panic!("{said:?}"),
    }
    assert_eq!(sandbox.ok(["cat", "src:still"]).text(), "still");
}

#[test]
fn a_stack_of_64_kibibytes_is_enough_for_the_command() {
    let sandbox = Sandbox::new();
    sandbox.write("src/file", "x");
    let script =
        "ulimit -s 64; $V ingest src; cd src && $V run -- sh -c 'cat file; exit 7'; echo $?
        $V run -- sh -c 'kill -TERM $$'; echo $?
        $V fork src other && $V list --json && $V diff src other; $V nonsense; echo $?";
    let said = shell(&sandbox, script);
    for wanted in ["x7\n143\n", "\"other\"", "\n2\n"] {
        assert!(said.text().contains(wanted), "{said:?}");
    }
    assert!(said.err.contains("nonsense") && !said.err.contains("overflow"), "{said:?}");
}

#[test]
fn signals_reach_a_command_on_a_small_stack() {
    let sandbox = Sandbox::new();
    sandbox.write("src/file", "x");
    sandbox.ok(["ingest", "src"]);
    let script = "ulimit -s 64; cd src; mkfifo ../fifo
        $V run -- sh -c 'trap \"echo caught; exit 5\" TERM; echo >../fifo; while :; do sleep 0.05; done' &
        read _ <../fifo; kill -TERM $!; wait $!; echo $?";
    let said = shell(&sandbox, script);
    assert_eq!(said.text(), "caught\n5\n", "{said:?}");
}
