//! kill -9 at any moment: what was acknowledged is there, the rest is there whole or not at all.

use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use vrift_manifest::tree::{Change, ROOT, RenameMode};
use vrift_manifest::workspace::Workspace;

use crate::support::{Fixture, child, create_file, from_parent, lock_word, names, picture};

fn rounds() -> u32 {
    std::env::var("VRIFT_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(150)
}

#[test]
fn what_was_acknowledged_survives_kill_9_also_of_the_lock_s_owner() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let mut with_lock = 0;
    for round in 0..rounds() {
        let mut writer = child("kills::writing_child", &fixture.root, &round.to_string())
            .spawn()
            .expect("a child");
        let mut lines = BufReader::new(writer.stdout.take().expect("piped")).lines();
        // The harness's own lines come first.
        let mut acknowledged: Vec<String> = Vec::new();
        let wanted = 1 + round as usize % 60;
        for line in lines.by_ref() {
            let line = line.expect("readable");
            if let Some(name) = line.strip_prefix("made ") {
                acknowledged.push(name.to_owned());
                if acknowledged.len() == wanted {
                    break;
                }
            }
        }
        std::thread::sleep(Duration::from_micros(u64::from(round * 37 % 500)));
        writer.kill().expect("killed");
        writer.wait().expect("reaped");
        acknowledged
            .extend(lines.filter_map(|line| line.ok()?.strip_prefix("made ").map(str::to_owned)));
        // The kernel marks the word of an owner that died.
        with_lock += u32::from(lock_word(&fixture.root, "w") != 0);

        // The next one to change something repairs what was left.
        create_file(&mut workspace, ROOT, &format!("after-{round}"));
        assert_eq!(lock_word(&fixture.root, "w"), 0);
        let found = names(workspace.tree(), "");
        for name in &acknowledged {
            assert!(found.contains(name), "round {round}: {name} was acknowledged and is lost");
        }
        let replayed = workspace.view(workspace.head()).expect("a readable journal");
        assert_eq!(picture(&replayed), picture(workspace.tree()), "round {round}");
        if round % 25 == 24 {
            workspace.compact().expect("compaction");
        }
    }
    println!("{} kills, {with_lock} of them of the lock's owner", rounds());
    assert!(with_lock > 0, "no owner of the lock was killed in {} rounds", rounds());
}

#[test]
#[ignore = "a child of other tests"]
fn writing_child() {
    let (home, round) = from_parent();
    let mut workspace = Workspace::open(&home, "w").expect("it exists");
    for file in 0.. {
        let (from, to) = (format!("{round}-temporary"), format!("{round}-{file}"));
        create_file(&mut workspace, ROOT, &from);
        let change = Change::Rename {
            from_parent: ROOT,
            from: from.as_bytes(),
            to_parent: ROOT,
            to: to.as_bytes(),
            mode: RenameMode::Replace,
        };
        workspace.change(&change).expect("a rename");
        // One write, so that a line is there whole or not at all.
        let line = format!("made {to}\n");
        std::io::stdout().write_all(line.as_bytes()).expect("written");
        // Most of the time between two lines is spent under the lock.
        let node = workspace.tree().root();
        let node = workspace.tree().number(node).expect("the root");
        for mode in 0o700..0o720 {
            workspace.change(&Change::SetMode { node, mode }).expect("a change");
        }
    }
}

#[test]
fn a_compaction_killed_anywhere_leaves_the_same_tree() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    for file in 0..200 {
        create_file(&mut workspace, ROOT, &format!("file-{file}"));
    }
    let before = picture(workspace.tree());
    for round in 0..rounds().min(60) {
        let mut compacting =
            child("kills::compacting_child", &fixture.root, "").spawn().expect("a child");
        std::thread::sleep(Duration::from_micros(u64::from(round) * 400 % 24_000));
        compacting.kill().expect("killed");
        compacting.wait().expect("reaped");
        let fresh = Workspace::open(&fixture.home, "w").expect("it opens without help");
        assert_eq!(picture(fresh.tree()), before, "round {round}");
    }
    create_file(&mut workspace, ROOT, "last");
    assert_eq!(names(workspace.tree(), "").len(), 201);
}

#[test]
#[ignore = "a child of other tests"]
fn compacting_child() {
    let (home, _) = from_parent();
    let mut workspace = Workspace::open(&home, "w").expect("it exists");
    loop {
        workspace.compact().expect("compaction");
    }
}
