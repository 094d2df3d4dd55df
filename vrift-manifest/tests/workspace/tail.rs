//! The end of the journal after a crash of the machine: an exact prefix of what happened, or damage that is reported.

use std::fs;
use std::os::unix::fs::FileExt;

use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{Moment, Workspace, WorkspaceError};

use crate::support::{Fixture, create_file, names, open_segment, restart_machine};

struct Journal {
    fixture: Fixture,
    segment: std::path::PathBuf,
    bytes: Vec<u8>,
    used: usize,
}

/// A workspace of ten files, of which the first `synced` are on disk for certain.
fn journal(synced: usize) -> Journal {
    journal_of(synced, "")
}

/// The same with something behind the number in each name, so that the records have another length.
fn journal_of(synced: usize, ending: &str) -> Journal {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    for file in 0..10 {
        if file == synced {
            workspace.sync().expect("synced");
        }
        create_file(&mut workspace, ROOT, &format!("{file}{ending}"));
    }
    let segment = open_segment(&workspace);
    let used = workspace.journal_bytes() as usize;
    let bytes = fs::read(&segment).expect("a segment");
    Journal { fixture, segment, bytes, used }
}

impl Journal {
    fn open_with(&self, bytes: &[u8]) -> Result<Workspace, WorkspaceError> {
        fs::write(&self.segment, bytes).expect("written");
        restart_machine(&self.fixture.root, "w");
        Workspace::open(&self.fixture.home, "w")
    }

    fn aside(&self) -> Vec<std::path::PathBuf> {
        let directory = self.segment.parent().expect("a parent");
        let entries = fs::read_dir(directory).expect("a directory");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.to_string_lossy().contains(".cut-")).collect()
    }
}

/// Of all bits one in so many, which ones depends on the seed.
const STEP: usize = 41;

/// Tells `scripts/survive` how much was tried.
fn tally(tried: usize, seed: usize) {
    println!("\ntally\tjournal\t{tried}\t0\t{seed}-{seed}");
}

fn is_prefix(found: &[String]) -> bool {
    is_prefix_of(found, "")
}

fn is_prefix_of(found: &[String], ending: &str) -> bool {
    found.iter().enumerate().all(|(place, name)| *name == format!("{place}{ending}"))
}

#[test]
fn a_journal_cut_at_any_byte_gives_an_exact_prefix() {
    let journal = journal(0);
    let mut lengths = std::collections::BTreeSet::new();
    for cut in (64..=journal.used).rev() {
        let mut bytes = journal.bytes.clone();
        bytes[cut..].fill(0);
        let mut workspace = journal.open_with(&bytes).expect("it opens without help");
        let found = names(workspace.tree(), "");
        assert!(is_prefix(&found), "cut at {cut}: {found:?}");
        lengths.insert(found.len());
        // And it goes on from there.
        create_file(&mut workspace, ROOT, "next");
        assert_eq!(names(workspace.tree(), "").len(), found.len() + 1);
    }
    assert_eq!(lengths.len(), 11, "every length from none to all was seen");
    // All of them, whatever the seed is: once is enough.
    if std::env::var("VRIFT_TEST_SEED").is_ok_and(|seed| seed == "0") {
        tally(journal.used + 1 - 64, 0);
    }
}

#[test]
fn a_hole_in_what_was_not_synced_is_cut_and_kept_aside() {
    let journal = journal(3);
    let mut bytes = journal.bytes.clone();
    // The seventh record or so is lost, the ones behind it are not.
    let hole = journal.used - 200;
    bytes[hole..hole + 40].fill(0);
    let workspace = journal.open_with(&bytes).expect("it opens without help");
    let found = names(workspace.tree(), "");
    assert!(is_prefix(&found) && (3..10).contains(&found.len()), "{found:?}");
    assert_eq!(workspace.cuts(), journal.aside());
    let [aside] = &journal.aside()[..] else { panic!("one piece was cut") };
    let kept = fs::read(aside).expect("readable");
    assert!(kept.len() > 100 && bytes.windows(kept.len()).any(|window| window == kept));
}

#[test]
fn a_hole_in_what_was_synced_is_damage_and_nothing_is_cut() {
    let journal = journal(8);
    let mut bytes = journal.bytes.clone();
    bytes[150..190].fill(0);
    let mut workspace = journal.open_with(&bytes).expect("it can be read");
    assert!(matches!(workspace.damage(), Some(WorkspaceError::Damaged { .. })));
    assert!(is_prefix(&names(workspace.tree(), "")));
    let change = Change::Unlink { parent: ROOT, name: b"0" };
    assert!(matches!(workspace.change(&change), Err(WorkspaceError::Damaged { .. })));
    assert_eq!(fs::read(&journal.segment).expect("readable"), bytes);
    assert!(journal.aside().is_empty());
}

#[test]
fn repairing_damage_keeps_the_lost_bytes_aside_and_goes_on_before_them() {
    let journal = journal(8);
    let mut bytes = journal.bytes.clone();
    bytes[350..390].fill(0);
    let mut workspace = journal.open_with(&bytes).expect("it can be read");
    let before = names(workspace.tree(), "");
    let aside = workspace.repair().expect("repaired").expect("something was damaged");
    assert!(fs::read(aside).expect("kept").len() > 100);
    assert!(workspace.damage().is_none());
    assert_eq!(names(workspace.tree(), ""), before);
    create_file(&mut workspace, ROOT, "next");
    let other = Workspace::open(&journal.fixture.home, "w").expect("it opens");
    assert_eq!(names(other.tree(), "").len(), before.len() + 1);
    assert_eq!(workspace.repair().expect("nothing to do"), None);
}

#[test]
fn repairing_damage_in_a_segment_that_a_fork_shares_leaves_the_fork_what_it_can_read() {
    let journal = journal(8);
    let mut workspace = Workspace::open(&journal.fixture.home, "w").expect("it opens");
    workspace.fork(&Moment::Now, "fork").expect("a fork");
    drop(workspace);
    let mut bytes = fs::read(&journal.segment).expect("readable");
    bytes[350..390].fill(0);
    fs::write(&journal.segment, &bytes).expect("written");
    restart_machine(&journal.fixture.root, "fork");
    let mut fork = Workspace::open(&journal.fixture.home, "fork").expect("it can be read");
    assert!(fork.damage().is_some());
    fork.repair().expect("repaired");
    create_file(&mut fork, ROOT, "next");
    assert_eq!(fs::read(&journal.segment).expect("readable"), bytes, "shared, so untouched");
    let again = Workspace::open(&journal.fixture.home, "fork").expect("it opens");
    assert!(names(again.tree(), "").contains(&"next".to_owned()));
}

#[test]
fn a_flipped_bit_gives_an_exact_prefix_or_damage() {
    let seed = std::env::var("VRIFT_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed: usize = seed.unwrap_or(0);
    // With so many seeds all bits of one journal were flipped; then it is another one.
    let round = seed / STEP;
    let ending = "-".repeat(round % 97);
    let journal = journal_of(3 + (round + 2) % 5, &ending);
    let (mut prefixes, mut damaged) = (0, 0);
    for bit in (64 * 8 + seed % STEP..journal.used * 8).step_by(STEP) {
        let mut bytes = journal.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match journal.open_with(&bytes) {
            Ok(workspace) if workspace.damage().is_some() => {
                assert!(is_prefix_of(&names(workspace.tree(), ""), &ending), "bit {bit}");
                damaged += 1;
            }
            Ok(workspace) => {
                assert!(is_prefix_of(&names(workspace.tree(), ""), &ending), "bit {bit}");
                prefixes += 1;
            }
            Err(other) => panic!("bit {bit}: {other}"),
        }
    }
    assert!(prefixes > 10 && damaged > 10, "{prefixes} prefixes, {damaged} damaged");
    tally(prefixes + damaged, seed);
}

#[test]
fn a_flipped_bit_is_damage_when_the_machine_was_never_off() {
    let journal = journal(0);
    let segment = fs::File::options().write(true).open(&journal.segment).expect("a segment");
    segment.write_all_at(&[0xff], 200).expect("written");
    for runtime in fs::read_dir(journal.fixture.root.join("runtime")).expect("a directory") {
        fs::remove_dir_all(runtime.expect("an entry").path()).expect("removed");
    }
    fs::create_dir(journal.fixture.home.runtime()).expect("made again");
    let workspace = Workspace::open(&journal.fixture.home, "w").expect("it can be read");
    assert!(workspace.damage().is_some());
}
