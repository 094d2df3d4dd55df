//! The live index against image and journal, beside others who change, fold and die.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, Ordering};

use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{Workspace, WorkspaceError, image_path};

use crate::support::{Fixture, control_path, create_file, empty_image, lock_word, names};

fn open(fixture: &Fixture) -> Workspace {
    Workspace::open(&fixture.home, "w").expect("it opens")
}

#[test]
fn an_index_that_was_replaced_since_it_was_attached_to_is_no_damage() {
    let fixture = Fixture::new();
    let mut other = fixture.workspace("w");
    create_file(&mut other, ROOT, "one");
    let mut looking = open(&fixture);
    other.compact().expect("folded");
    // Nothing that the image before has.
    other.change(&Change::Unlink { parent: ROOT, name: b"one" }).expect("removed");
    create_file(&mut other, ROOT, "two");
    assert_eq!(looking.index_damage().expect("compared"), None);
    let tree = other.view(other.head()).expect("a state");
    other.reset_to(&tree, 0).expect("reset");
    create_file(&mut other, ROOT, "three");
    assert_eq!(looking.index_damage().expect("compared"), None);
    assert_eq!(names(looking.tree(), ""), ["three", "two"]);
}

#[test]
fn what_is_wrong_in_the_live_index_is_not_folded() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "name");
    let shown = |workspace: &Workspace| {
        let tree = workspace.tree();
        let at = tree.child(tree.root(), b"name").expect("sound").expect("a file");
        (tree.attributes(at), tree.digest(at), tree.number(at))
    };
    let before = shown(&workspace);
    // A bit of its digest, wherever it stands.
    let index = workspace.index_path();
    let bytes = fs::read(&index).expect("readable");
    let words: Vec<u64> =
        bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let digest = before.1.as_ref().expect("sound").expect("of a file");
    let content = u64::from_le_bytes(*digest.as_bytes().first_chunk().expect("32 bytes"));
    let file = File::options().write(true).open(&index).expect("a live index");
    for at in (64..words.len()).filter(|&at| words[at] == content) {
        file.write_all_at(&(content ^ 4).to_le_bytes(), at as u64 * 8).expect("written");
    }
    assert_ne!(shown(&workspace).1, before.1, "the control");
    workspace.compact().expect("folded");
    assert_eq!(shown(&workspace), before);
    assert_eq!(workspace.index_damage().expect("compared"), None);
}

#[test]
fn a_change_that_its_maker_did_not_live_to_apply_is_no_damage_and_is_finished() {
    let fixture = Fixture::new();
    let mut other = fixture.workspace("w");
    create_file(&mut other, ROOT, "one");
    let mut looking = open(&fixture);
    let index = looking.index_path();
    let before = fs::read(&index).expect("readable");
    create_file(&mut other, ROOT, "two");
    drop(other);
    // As it was when the record had just happened, and what the kernel says of a lock whose owner has died.
    let file = File::options().write(true).open(&index).expect("a live index");
    file.write_all_at(&before, 0).expect("written");
    let page = File::options().write(true).open(control_path(&fixture.root, "w"));
    page.expect("a page").write_all_at(&0x4000_0000_u32.to_le_bytes(), 64).expect("written");
    assert_eq!(looking.index_damage().expect("compared"), None);
    assert_eq!(lock_word(&fixture.root, "w"), 0);
    for workspace in [&looking, &open(&fixture)] {
        assert_eq!(names(workspace.tree(), ""), ["one", "two"]);
    }
}

#[test]
fn an_index_that_others_change_all_the_time_is_no_damage_and_one_that_is_damaged_is() {
    let fixture = Fixture::new();
    let mut looking = fixture.workspace("w");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut other = open(&fixture);
            for file in 0.. {
                create_file(&mut other, ROOT, &format!("file-{file}"));
                if file % 50 == 49 {
                    other.compact().expect("folded");
                }
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for _ in 0..100 {
            assert_eq!(looking.index_damage().expect("compared"), None);
        }
        done.store(true, Ordering::Relaxed);
    });
    create_file(&mut looking, ROOT, "last");
    // A byte of a name.
    let index = looking.index_path();
    let bytes = fs::read(&index).expect("readable");
    let at = bytes.windows(4).position(|name| name == b"last").expect("a name");
    let file = File::options().write(true).open(&index).expect("a live index");
    file.write_all_at(b"L", at as u64).expect("written");
    assert!(looking.index_damage().expect("compared").is_some());
    looking.renew_index().expect("built");
    assert_eq!(looking.index_damage().expect("compared"), None);
}

#[test]
fn an_index_that_was_cut_before_the_first_change_is_built_anew_and_ends_no_process() {
    let fixture = Fixture::new();
    let mut other = fixture.workspace("w");
    for file in 0..100 {
        create_file(&mut other, ROOT, &format!("file-{file}"));
    }
    let mut late = open(&fixture);
    let index = File::options().write(true).open(late.index_path()).expect("a live index");
    index.set_len(4096).expect("cut");
    create_file(&mut late, ROOT, "late");
    assert_eq!(names(late.tree(), "").len(), 101);
    assert_eq!(late.index_damage().expect("compared"), None);
}

#[test]
fn an_image_that_came_after_a_workspace_was_opened_to_be_verified_is_compared_too() {
    let fixture = Fixture::new();
    let mut other = fixture.workspace("w");
    create_file(&mut other, ROOT, "file");
    let home = fixture.home.clone().verifying(true);
    let mut verifying = Workspace::open(&home, "w").expect("it is sound");
    other.compact().expect("folded");
    let image = other.config().expect("a description").last_era().image;
    assert_ne!(image, empty_image(&fixture.home));
    let path = image_path(&fixture.home.store().clone(), &image);
    let bytes = fs::read(&path).expect("readable");
    let at = bytes.windows(4).position(|name| name == b"file").expect("a name");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("chmod");
    let file = File::options().write(true).open(&path).expect("an image");
    file.write_all_at(b"F", at as u64).expect("written");
    assert!(matches!(verifying.refresh(), Err(WorkspaceError::WrongDigest(_))));
    assert!(open(&fixture).refresh().is_ok(), "the control");
}

/// Word `at` of the control page.
fn control_word(fixture: &Fixture, at: usize) -> u64 {
    let page = fs::read(control_path(&fixture.root, "w")).expect("a control page");
    u64::from_le_bytes(page[at * 8..][..8].try_into().expect("eight bytes"))
}

#[test]
fn a_process_that_cannot_know_the_boot_shares_a_workspace_with_one_that_can() {
    let fixture = Fixture::new();
    create_file(&mut fixture.workspace("w"), ROOT, "file");
    let page = File::options().write(true).open(control_path(&fixture.root, "w"));
    let page = page.expect("a control page");
    // Whose lock it is, and who has looked at the journal: as such a process writes it.
    let stamp = || [10, 18].map(|at| page.write_all_at(&[0xff; 16], at * 8).expect("written"));
    const EPOCH: usize = 16;
    const LAST_USE: u64 = 24;
    stamp();
    let before = control_word(&fixture, EPOCH);
    create_file(&mut open(&fixture), ROOT, "shared");
    assert_eq!(control_word(&fixture, EPOCH), before, "it was used in this boot: not taken over");
    stamp();
    page.write_all_at(&1_u64.to_le_bytes(), LAST_USE * 8).expect("written");
    create_file(&mut open(&fixture), ROOT, "after a restart");
    assert_ne!(control_word(&fixture, EPOCH), before, "it was not: taken over");
}
