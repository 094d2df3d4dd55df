//! One workspace has one lock and one index, wherever the processes are that use it and whatever becomes of the files.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vrift_cas::Store;
use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{Home, Workspace, WorkspaceError, drop_workspace};

use crate::support::{
    Fixture, child, control_path, create, create_file, from_parent, names, open_home, picture,
    restart_machine,
};

/// The same store, as a process with another runtime directory sees it.
fn elsewhere(fixture: &Fixture, runtime: &str) -> (Home, PathBuf) {
    let runtime = fixture.root.join(runtime);
    fs::create_dir_all(&runtime).expect("a directory");
    let store = Store::open(fixture.root.join("store")).expect("a store");
    (Home::new(Arc::new(store), std::slice::from_ref(&runtime)), runtime)
}

fn indexes(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(indexes(&path));
        } else if path.to_string_lossy().contains("index-") {
            found.push(path);
        }
    }
    found
}

#[test]
fn processes_with_different_runtime_directories_share_one_index() {
    let fixture = Fixture::new();
    let mut here = fixture.workspace("w");
    let (home, _) = elsewhere(&fixture, "runtime-2");
    let mut there = Workspace::open(&home, "w").expect("it opens");
    for round in 0..20 {
        create_file(&mut here, ROOT, &format!("here-{round}"));
        assert_eq!(names(there.tree(), "").len(), 2 * round + 1, "seen without looking again");
        create_file(&mut there, ROOT, &format!("there-{round}"));
        assert_eq!(names(here.tree(), "").len(), 2 * round + 2, "seen without looking again");
    }
    assert_eq!(indexes(&fixture.root).len(), 1);
}

#[test]
fn an_index_that_cannot_be_reached_from_here_moves_to_where_all_can_reach_it() {
    let fixture = Fixture::new();
    let mut here = fixture.workspace("w");
    create_file(&mut here, ROOT, "one");
    // As in a mount namespace of its own: nothing can be made where the others have theirs.
    let runtime = fixture.root.join("runtime");
    fs::rename(&runtime, fixture.root.join("away")).expect("renamed");
    fs::write(&runtime, "").expect("written");
    let (home, _) = elsewhere(&fixture, "runtime-2");
    let mut there = Workspace::open(&home, "w").expect("it opens");
    create_file(&mut there, ROOT, "two");
    create_file(&mut here, ROOT, "three");
    let (home, _) = elsewhere(&fixture, "runtime-3");
    let third = Workspace::open(&home, "w").expect("it opens");
    for workspace in [&here, &there, &third] {
        assert_eq!(names(workspace.tree(), ""), ["one", "three", "two"]);
    }
    let store = indexes(&fixture.root.join("store"));
    assert_eq!(store.len(), 1, "{store:?}");
}

#[test]
fn an_index_that_somebody_else_may_have_put_there_is_not_used() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "one");
    let [index] = &indexes(&fixture.root)[..] else { panic!("one index") };
    fs::set_permissions(index, fs::Permissions::from_mode(0o666)).expect("chmod");
    drop(workspace);
    let workspace = Workspace::open(&fixture.home, "w").expect("it opens");
    assert_eq!(names(workspace.tree(), ""), ["one"]);
    for index in indexes(&fixture.root) {
        let mode = fs::metadata(index).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Nor is a directory that others can enter.
    let runtime = fixture.home.runtime();
    fs::set_permissions(runtime, fs::Permissions::from_mode(0o777)).expect("chmod");
    indexes(runtime).iter().for_each(|index| fs::remove_file(index).expect("removed"));
    let workspace = Workspace::open(&fixture.home, "w").expect("it opens");
    assert_eq!(names(workspace.tree(), ""), ["one"]);
    assert_eq!(indexes(runtime), Vec::<PathBuf>::new());
}

#[test]
fn a_copy_of_a_store_has_a_life_of_its_own() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "before");
    // Made at a moment when somebody held the lock, by the same machine that uses the copy.
    let copy = fixture.root.join("copy");
    fs::create_dir(&copy).expect("a directory");
    let status = std::process::Command::new("cp")
        .arg("-a")
        .args([fixture.root.join("store"), copy.join("store")])
        .status();
    assert!(status.expect("cp runs").success());
    let page = fs::File::options().write(true).open(control_path(&copy, "w"));
    page.expect("a control page").write_all_at(&1u32.to_le_bytes(), 64).expect("written");
    let store = Store::open(copy.join("store")).expect("a store");
    // The same runtime directory.
    let home = Home::new(Arc::new(store), &[fixture.root.join("runtime")]);
    let mut copied = Workspace::open(&home, "w").expect("it opens");
    create_file(&mut copied, ROOT, "in the copy");
    create_file(&mut workspace, ROOT, "in the first");
    assert_eq!(names(copied.tree(), ""), ["before", "in the copy"]);
    assert_eq!(names(workspace.tree(), ""), ["before", "in the first"]);
    let again = Workspace::open(&fixture.home, "w").expect("it opens");
    assert_eq!(names(again.tree(), ""), ["before", "in the first"]);
    for workspace in [&copied, &workspace] {
        let replayed = workspace.view(workspace.head()).expect("a state");
        assert_eq!(picture(&replayed), picture(workspace.tree()));
    }
}

#[test]
fn a_control_page_put_back_from_a_backup_does_not_show_what_came_later() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "before");
    let path = control_path(&fixture.root, "w");
    let page = fs::read(&path).expect("a control page");
    create_file(&mut workspace, ROOT, "later");
    drop(workspace);
    let file = fs::File::options().write(true).open(&path).expect("a control page");
    file.write_all_at(&page, 0).expect("written");
    let mut workspace = Workspace::open(&fixture.home, "w").expect("it opens");
    assert_eq!(names(workspace.tree(), ""), ["before"]);
    create_file(&mut workspace, ROOT, "other");
    let replayed = workspace.view(workspace.head()).expect("a state");
    assert_eq!(picture(&replayed), picture(workspace.tree()));
}

#[test]
fn an_index_removed_under_running_processes_is_built_again_when_it_must_grow() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let mut late = Workspace::open(&fixture.home, "w").expect("it opens");
    let reader = Workspace::open(&fixture.home, "w").expect("it opens");
    for file in 0..4000 {
        create_file(&mut workspace, ROOT, &format!("before-{file}"));
    }
    // A session manager does this at logout. The reader has not looked since the index grew.
    fs::remove_dir_all(fixture.home.runtime()).expect("removed");
    assert_eq!(names(reader.tree(), "").len(), 4000);
    for file in 0..4000 {
        create_file(&mut workspace, ROOT, &format!("after-{file}"));
    }
    // One that has never changed anything has no writable mapping yet.
    create_file(&mut late, ROOT, "late");
    let fresh = Workspace::open(&fixture.home, "w").expect("it opens");
    assert_eq!(names(fresh.tree(), "").len(), 8001);
    assert_eq!(picture(fresh.tree()), picture(late.tree()));
}

#[test]
fn a_lock_that_was_held_when_the_machine_went_down_holds_nobody_up() {
    let fixture = Fixture::new();
    create_file(&mut fixture.workspace("w"), ROOT, "file");
    create_file(&mut fixture.workspace("v"), ROOT, "file");
    for name in ["w", "v"] {
        restart_machine(&fixture.root, name);
        let page = fs::File::options().write(true).open(control_path(&fixture.root, name));
        // Held by a thread that lives, but is none of ours, and waited for.
        let word = 0x8000_0001_u32;
        page.expect("a control page").write_all_at(&word.to_le_bytes(), 64).expect("written");
    }
    create_file(&mut Workspace::open(&fixture.home, "w").expect("it opens"), ROOT, "more");
    drop_workspace(&fixture.home, "v").expect("it can be dropped unopened");
    assert!(matches!(Workspace::open(&fixture.home, "v"), Err(WorkspaceError::NoSuchWorkspace(_))));
}

#[test]
fn many_that_come_at_once_after_a_restart_exclude_each_other() {
    let fixture = Fixture::new();
    create(&fixture.home, "w");
    for round in 0..8_usize {
        restart_machine(&fixture.root, "w");
        let mut children: Vec<_> = (0..6)
            .map(|number| format!("{round}-{number}"))
            .map(|name| child("attaching::arriving_child", &fixture.root, &name).spawn())
            .map(|child| child.expect("a child"))
            .collect();
        // The odd rounds are not peaceful: builders die.
        if round % 2 == 1 {
            for _ in 0..2 {
                std::thread::sleep(std::time::Duration::from_micros(3000 + 700 * round as u64));
                if let Some(mut victim) = children.pop() {
                    victim.kill().expect("killed");
                    victim.wait().expect("reaped");
                }
            }
        }
        let survivors = children.len();
        for mut child in children {
            assert!(child.wait().expect("reaped").success());
        }
        let mut workspace = Workspace::open(&fixture.home, "w").expect("it opens");
        let found = names(workspace.tree(), "");
        for child in 0..survivors {
            for file in 0..30 {
                let name = format!("{round}-{child}-{file}");
                assert!(found.contains(&name), "{name} was acknowledged and is lost");
            }
        }
        let replayed = workspace.view(workspace.head()).expect("a state");
        assert_eq!(picture(&replayed), picture(workspace.tree()), "round {round}");
        create_file(&mut workspace, ROOT, &format!("round-{round}"));
    }
}

#[test]
#[ignore = "a child of other tests"]
fn arriving_child() {
    let (home, name) = from_parent();
    let mut workspace = Workspace::open(&home, "w").expect("it exists");
    for file in 0..30 {
        create_file(&mut workspace, ROOT, &format!("{name}-{file}"));
    }
}

#[test]
fn half_a_change_is_not_shown_to_one_who_opens_after_its_maker_died() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "file");
    drop(workspace);
    let page = fs::File::options().write(true).open(control_path(&fixture.root, "w"));
    page.expect("a page").write_all_at(&0x4000_0000_u32.to_le_bytes(), 64).expect("written");
    drop(Workspace::open(&fixture.home, "w").expect("it opens"));
    assert_eq!(crate::support::lock_word(&fixture.root, "w"), 0, "what was left was seen to");
}

#[test]
fn a_store_that_is_only_read_shows_a_workspace_that_nobody_has_opened() {
    let fixture = Fixture::new();
    create(&fixture.home, "w");
    let store = Store::open_read_only(fixture.root.join("store")).expect("a store");
    let home = Home::new(Arc::new(store), &[fixture.root.join("runtime")]);
    let mut workspace = Workspace::open(&home, "w").expect("it opens");
    assert_eq!(workspace.head(), 0);
    assert!(names(workspace.tree(), "").is_empty());
    let change = Change::Unlink { parent: ROOT, name: b"x" };
    assert!(matches!(workspace.change(&change), Err(WorkspaceError::ReadOnly(_))));
    // Somebody changes it elsewhere: what was opened stays as it is, what is opened now shows it.
    let mut writer = Workspace::open(&open_home(&fixture.root), "w").expect("it opens");
    create_file(&mut writer, ROOT, "new");
    let again = Workspace::open(&home, "w").expect("it opens");
    assert_eq!((again.head(), names(again.tree(), "")), (1, vec!["new".to_owned()]));
}
