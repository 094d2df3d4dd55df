//! What both sides have changed.

use super::{does_nothing, ended, holds, inside, on_disk, outside, scene, status};

#[test]
fn both_have_edited_it_nothing_is_touched_and_the_exit_code_says_so() {
    let sandbox = scene();
    inside(&sandbox, "echo ours > a; echo ours > b");
    outside(&sandbox, "echo theirs > a");
    let changed = "changed in the workspace, changed in the directory";
    assert_eq!(
        status(&sandbox),
        [
            format!("conflict changed a ({changed}, content)"),
            "workspace changed b (content)".into()
        ]
    );
    for command in ["sync", "apply"] {
        let said = sandbox.run([command, "w"]);
        let (code, err) = ended(&said);
        assert_eq!(code, Some(1));
        assert!(err.contains(&format!("conflict: a: {changed}")), "{err}");
        assert_eq!(
            (holds(&sandbox, "a"), on_disk(&sandbox, "a")),
            ("ours\n".into(), "theirs\n".into())
        );
    }
    // What is none of it was done.
    assert_eq!(on_disk(&sandbox, "b"), "ours\n");
    let json = sandbox.run(["apply", "w", "--json"]).json();
    assert_eq!(json["conflicts"][0]["path"], "a");
    assert_eq!(sandbox.run(["status", "w", "--exit-code"]).code, Some(1));
}

#[test]
fn force_takes_the_side_that_the_command_comes_from() {
    let sandbox = scene();
    inside(&sandbox, "echo ours > a; echo ours > b; rm c; rm -r sub");
    outside(&sandbox, "echo theirs > a; rm b; echo theirs > c; echo new > sub/new");
    assert_eq!(sandbox.run(["apply", "w"]).code, Some(1));
    assert_eq!(on_disk(&sandbox, "sub/x"), "sub/x as it was\n");
    sandbox.ok(["apply", "w", "--force"]);
    assert_eq!(
        (on_disk(&sandbox, "a"), on_disk(&sandbox, "b")),
        ("ours\n".into(), "ours\n".into())
    );
    assert!(!sandbox.path("project/c").exists() && !sandbox.path("project/sub").exists());
    assert!(status(&sandbox).is_empty());

    let sandbox = scene();
    inside(&sandbox, "echo ours > a; rm -r sub; mkdir c.d; rm b; mkdir b; echo in > b/in");
    outside(&sandbox, "echo theirs > a; echo new > sub/new; echo theirs > b");
    sandbox.ok(["sync", "w", "--force"]);
    for (path, text) in
        [("a", "theirs\n"), ("sub/new", "new\n"), ("sub/x", "sub/x as it was\n"), ("b", "theirs\n")]
    {
        assert_eq!(holds(&sandbox, path), text, "{path}");
    }
    assert_eq!(status(&sandbox), ["workspace added c.d/"]);
}

#[test]
fn both_have_done_the_same_so_there_is_no_conflict() {
    let sandbox = scene();
    let same = "echo same > a; echo same > new; rm c; mkdir d; echo in > d/in; rm -r sub/deep; chmod 600 b; ln -s a l";
    inside(&sandbox, same);
    outside(&sandbox, same);
    let lines = status(&sandbox);
    assert!(
        lines.iter().all(|line| line.starts_with("both ") && line.ends_with("(time)")),
        "{lines:?}"
    );
    sandbox.ok(["apply", "w"]);
    assert!(status(&sandbox).is_empty());
    does_nothing(&sandbox, "sync");
    // What both have in common now is what is compared with later.
    outside(&sandbox, "echo later > a");
    assert_eq!(status(&sandbox), ["directory changed a (content)"]);
}

#[test]
fn a_directory_that_both_have_made_is_one_and_what_is_removed_in_it_stays_removed() {
    let sandbox = scene();
    inside(&sandbox, "mkdir -m 755 d; echo in > d/in; echo ours > d/x");
    outside(&sandbox, "mkdir -m 700 d; echo in > d/in; echo theirs > d/x");
    assert_eq!(status(&sandbox)[0], "both added d/ (mode 0700 -> 0755)");
    assert_eq!(sandbox.run(["sync", "w"]).code, Some(1));
    inside(&sandbox, "rm d/in");
    assert_eq!(status(&sandbox)[0], "workspace removed d/in");
    assert_eq!(sandbox.run(["sync", "w"]).code, Some(1));
    assert_eq!(sandbox.run(["stat", "w:d/in"]).code, Some(1));
    assert_eq!(sandbox.run(["apply", "w"]).code, Some(1));
    assert!(!sandbox.path("project/d/in").exists());
    assert_eq!(on_disk(&sandbox, "d/x"), "theirs\n");
}

#[test]
fn removed_here_and_edited_there_is_a_conflict_and_nothing_is_lost() {
    let sandbox = scene();
    inside(&sandbox, "rm a; echo ours > b; mv sub/x sub/renamed");
    outside(&sandbox, "echo theirs > a; rm b; echo theirs > sub/x");
    for command in ["sync", "apply", "sync", "apply"] {
        assert_eq!(sandbox.run([command, "w"]).code, Some(1));
    }
    assert_eq!(on_disk(&sandbox, "a"), "theirs\n");
    assert_eq!(holds(&sandbox, "b"), "ours\n");
    assert_eq!(on_disk(&sandbox, "sub/x"), "theirs\n");
    assert_eq!(on_disk(&sandbox, "sub/renamed"), "sub/x as it was\n");
    assert!(!sandbox.path("project/b").exists());
    assert_eq!(sandbox.run(["cat", "w:a"]).code, Some(1));
}

#[test]
fn a_removed_directory_with_something_new_in_it_stays_whole() {
    let sandbox = scene();
    inside(&sandbox, "rm -r sub");
    outside(&sandbox, "echo new > sub/deep/new; rm sub/y");
    let said = sandbox.run(["apply", "w"]);
    let (code, err) = ended(&said);
    assert_eq!(code, Some(1));
    assert!(err.contains("conflict: sub/: removed in the workspace"), "{err}");
    assert_eq!(on_disk(&sandbox, "sub/deep/new"), "new\n");
    assert_eq!(on_disk(&sandbox, "sub/x"), "sub/x as it was\n");

    let sandbox = scene();
    outside(&sandbox, "rm -r sub");
    inside(&sandbox, "echo new > sub/deep/new; rm sub/y");
    assert_eq!(sandbox.run(["sync", "w"]).code, Some(1));
    assert_eq!(holds(&sandbox, "sub/x"), "sub/x as it was\n");
    assert_eq!(holds(&sandbox, "sub/deep/new"), "new\n");
}

#[test]
fn a_removed_directory_that_has_only_less_in_it_goes() {
    let sandbox = scene();
    inside(&sandbox, "rm -r sub");
    outside(&sandbox, "rm sub/y; chmod 700 sub/deep");
    sandbox.ok(["apply", "w"]);
    assert!(!sandbox.path("project/sub").exists());
    assert!(status(&sandbox).is_empty());
}

#[test]
fn another_type_on_each_side_is_a_conflict() {
    let sandbox = scene();
    inside(&sandbox, "rm a; mkdir a; echo in > a/in; rm -r sub; ln -s b sub");
    outside(&sandbox, "rm a; ln -s b a; echo theirs > sub/x");
    for command in ["sync", "apply"] {
        assert_eq!(sandbox.run([command, "w"]).code, Some(1));
    }
    assert!(sandbox.path("project/a").is_symlink());
    assert_eq!(on_disk(&sandbox, "sub/x"), "theirs\n");
    assert_eq!(holds(&sandbox, "a/in"), "in\n");
}

#[test]
fn a_file_is_edited_while_it_is_being_applied_and_the_edit_stays() {
    // The edit comes between the look and the replacement: nobody sees it but the replacement itself.
    let sandbox = scene();
    for round in 0..8 {
        inside(&sandbox, &format!("echo ours {round} > a; echo {round} > b; echo {round} > c"));
        let path = sandbox.path("project/a");
        let mut apply = sandbox.command(".", ["apply", "w"]);
        apply.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut apply = apply.spawn().expect("it is started");
        let mut written = Vec::new();
        for number in 0.. {
            if apply.try_wait().expect("it is ours").is_some() {
                break;
            }
            // As an editor does it: a new file in the place of the old one.
            let text = format!("edit {round} {number}\n");
            std::fs::write(sandbox.path("edit"), &text).expect("written");
            std::fs::rename(sandbox.path("edit"), &path).expect("renamed");
            written.push(text);
            std::thread::sleep(std::time::Duration::from_micros(300));
        }
        // It may have ended before anything was edited.
        if let Some(last) = written.last() {
            assert_eq!(&on_disk(&sandbox, "a"), last, "round {round}: an edit was replaced");
        }
        let _ = sandbox.run(["sync", "w", "--force"]);
    }
}
