//! Collecting garbage beside everything else.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vrift_cas::{Digest, GcError, GcOptions, GcReport, Store, StoreError};

use crate::child::{Running, child};
use crate::support::{Home, all_are_whole, content, let_the_clocks_tick, noise, tear};

const NOW: GcOptions = GcOptions { grace: Duration::ZERO, dry_run: false };

fn collect(store: &Store, keep: &[Digest]) -> GcReport {
    let keep: HashSet<_> = keep.iter().copied().collect();
    store.gc(&NOW, &mut || Ok::<_, std::io::Error>(keep.clone())).unwrap()
}

/// A store with one blob that is needed and one that is not.
fn two() -> (Home, Store, Digest, Digest) {
    let home = Home::new();
    let store = home.open();
    let (needed, unneeded) =
        (store.put_bytes(b"needed").unwrap(), store.put_bytes(b"not").unwrap());
    (home, store, needed.digest, unneeded.digest)
}

#[test]
fn what_nothing_names_goes_in_two_steps_and_the_rest_stays() {
    let (home, store, needed, unneeded) = two();
    let report = collect(&store, &[needed]);
    // The empty content is always kept.
    assert_eq!((report.kept, report.moved, report.moved_bytes, report.purged), (2, 1, 3, 0));
    assert!(home.trashed(&unneeded).exists() && !home.blob(&unneeded).exists());
    let report = collect(&store, &[needed]);
    assert_eq!((report.kept, report.moved, report.purged, report.bytes), (2, 0, 1, 3));
    assert!(!store.contains(&unneeded).unwrap());
    assert_eq!(content(&store, &needed), b"needed");
    assert!(store.contains(&Digest::EMPTY).unwrap());
}

#[test]
fn within_the_grace_nothing_goes() {
    let (home, store, _, unneeded) = two();
    let options = GcOptions { grace: Duration::from_secs(3600), dry_run: false };
    let none = &mut || Ok::<_, std::io::Error>(HashSet::new());
    let report = store.gc(&options, none).unwrap();
    assert_eq!((report.moved, report.young), (0, 2));
    assert!(home.blob(&unneeded).exists());
    // Nor does it go from the trash.
    collect(&store, &[]);
    let report = store.gc(&options, none).unwrap();
    assert_eq!(report.purged, 0);
    assert!(home.trashed(&unneeded).exists());
}

#[test]
fn a_grace_of_a_moment_is_over_after_that_moment() {
    let (_home, store, needed, _) = two();
    let options = GcOptions { grace: Duration::from_millis(300), dry_run: false };
    let roots = &mut || Ok::<_, std::io::Error>(HashSet::from([needed]));
    assert_eq!(store.gc(&options, roots).unwrap().moved, 0);
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(store.gc(&options, roots).unwrap().moved, 1);
    assert_eq!(store.gc(&options, roots).unwrap().purged, 0);
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(store.gc(&options, roots).unwrap().purged, 1);
}

#[test]
fn a_dry_run_says_what_would_be_done_and_changes_nothing() {
    let (home, store, needed, unneeded) = two();
    let other = store.put_bytes(b"in the trash").unwrap().digest;
    let named = store.put_bytes(b"named").unwrap().digest;
    collect(&store, &[needed, unneeded]);
    let keep = [needed, named];
    let before = home.snapshot();
    let mut calls = 0;
    let dry = GcOptions { dry_run: true, ..NOW };
    let roots = &mut || {
        calls += 1;
        Ok::<_, std::io::Error>(HashSet::from(keep))
    };
    let told = store.gc(&dry, roots).unwrap();
    assert_eq!(calls, 1);
    assert_eq!(home.snapshot(), before);
    let done = collect(&store, &keep);
    assert_eq!(
        (told.moved, told.moved_bytes, told.restored),
        (done.moved, done.moved_bytes, done.restored)
    );
    assert_eq!((told.purged, told.bytes), (done.purged, done.bytes));
    assert_eq!((done.moved, done.restored, done.purged), (1, 1, 1));
    assert!(!store.contains(&other).unwrap() && store.contains(&named).unwrap());
}

#[test]
fn what_is_named_while_the_collection_runs_comes_back() {
    let (home, store, needed, late) = two();
    let mut calls = 0;
    let report = store.gc(&NOW, &mut || {
        calls += 1;
        if calls == 2 {
            assert!(home.trashed(&late).exists());
        }
        let names = [needed, late];
        Ok::<_, std::io::Error>(names[..calls].iter().copied().collect())
    });
    assert_eq!(report.unwrap().restored, 1);
    assert!(home.blob(&late).exists() && !home.trashed(&late).exists());
}

#[test]
fn roots_that_cannot_be_read_stop_it_and_nothing_is_gone() {
    let (home, store, needed, unneeded) = two();
    let trashed = store.put_bytes(b"trashed").unwrap().digest;
    collect(&store, &[needed, unneeded]);
    let before = home.snapshot();
    let error = store.gc(&NOW, &mut || Err("workspace 'x' is damaged")).unwrap_err();
    assert!(matches!(error, GcError::Roots(_)));
    assert!(error.to_string().contains("workspace 'x' is damaged"));
    assert_eq!(home.snapshot(), before);
    assert!(home.trashed(&trashed).exists());
    // The second reading fails: what was moved is back.
    let mut calls = 0;
    let result = store.gc(&NOW, &mut || {
        calls += 1;
        if calls == 1 { Ok(HashSet::from([needed, trashed])) } else { Err("gone") }
    });
    assert!(matches!(result, Err(GcError::Roots("gone"))));
    for digest in [needed, unneeded, trashed] {
        assert!(home.blob(&digest).exists());
    }
}

#[test]
fn what_an_activity_put_or_found_stays_while_it_lives() {
    let (home, store, needed, old) = two();
    let_the_clocks_tick();
    let other = home.open();
    let work = store.begin().unwrap();
    let put = store.put_bytes(b"put by the activity").unwrap().digest;
    assert!(!store.put_bytes(b"not").unwrap().new);
    // Another process collects; nothing names these two yet.
    let report = collect(&other, &[]);
    assert_eq!((report.moved, report.young), (1, 2));
    assert!(!home.blob(&needed).exists());
    assert!(home.blob(&put).exists() && home.blob(&old).exists());
    assert_eq!(std::fs::read_dir(home.root().join("active")).unwrap().count(), 1);
    drop(work);
    assert_eq!(std::fs::read_dir(home.root().join("active")).unwrap().count(), 0);
    assert_eq!(collect(&other, &[]).moved, 2);
}

#[test]
fn an_activity_also_keeps_the_trash_as_it_is() {
    let (home, store, needed, unneeded) = two();
    let work = store.begin().unwrap();
    std::fs::rename(home.blob(&unneeded), home.trashed(&unneeded)).unwrap();
    assert_eq!(collect(&store, &[needed]).purged, 0);
    drop(work);
    assert_eq!(collect(&store, &[needed]).purged, 1);
}

#[test]
fn an_activity_that_has_not_said_when_it_began_keeps_everything() {
    let (home, store, _, _) = two();
    let work = store.begin().unwrap();
    let file = std::fs::read_dir(home.root().join("active")).unwrap().next().unwrap().unwrap();
    let file = std::fs::File::open(file.path()).unwrap();
    let_the_clocks_tick();
    file.set_times(std::fs::FileTimes::new().set_modified(std::time::SystemTime::now())).unwrap();
    assert_eq!(collect(&store, &[]).moved, 0);
    drop(work);
    assert_eq!(collect(&store, &[]).moved, 2);
}

#[test]
fn the_activity_of_a_killed_process_is_over() {
    let home = Home::new();
    let store = home.open();
    let worker = Running::start(&mut child("work forever", &home.root()));
    while !home.root().with_extension("begun").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    store.put_bytes(b"during").unwrap();
    assert_eq!(collect(&store, &[]).moved, 0);
    worker.kill();
    let active = || std::fs::read_dir(home.root().join("active")).unwrap().count();
    assert_eq!(active(), 1);
    assert_eq!(collect(&store, &[]).moved, 1);
    assert_eq!(active(), 0);
}

#[test]
fn two_collections_at_once_are_refused() {
    let (home, store, _, _) = two();
    let other = home.open();
    let result = store.gc(&NOW, &mut || {
        let busy = other.gc(&NOW, &mut || Ok::<_, std::io::Error>(HashSet::new()));
        assert!(matches!(busy, Err(GcError::Store(StoreError::Busy { .. }))));
        Ok::<_, std::io::Error>(HashSet::new())
    });
    assert_eq!(result.unwrap().moved, 2);
}

#[test]
fn of_a_good_and_a_torn_copy_the_good_one_wins_wherever_it_is() {
    for torn_in_trash in [false, true] {
        let (home, store, needed, unneeded) = two();
        std::fs::copy(home.blob(&unneeded), home.trashed(&unneeded)).unwrap();
        let torn = if torn_in_trash { home.trashed(&unneeded) } else { home.blob(&unneeded) };
        tear(&torn, b"xxx");
        drop(store);
        let store = home.reboot();
        assert_eq!(collect(&store, &[needed, unneeded]).restored, 1);
        assert_eq!(content(&store, &unneeded), b"not");
        collect(&store, &[needed, unneeded]);
        assert_eq!(content(&store, &unneeded), b"not");
    }
}

#[test]
fn it_clears_what_dead_processes_left() {
    let (home, store, needed, _) = two();
    let dead = home.root().join("staging/dead");
    std::fs::create_dir(&dead).unwrap();
    std::fs::write(dead.join("0"), "123").unwrap();
    let report = collect(&store, &[needed]);
    assert_eq!((report.leftovers.files, report.leftovers.bytes), (1, 3));
    assert!(!dead.exists());
}

#[test]
fn strays_are_none_of_its_business() {
    let (home, store, _, unneeded) = two();
    let stray = home.blob(&unneeded).with_file_name("stray");
    std::fs::write(&stray, "").unwrap();
    let directory = home.blob(&Digest::of(b"directory"));
    std::fs::create_dir_all(&directory).unwrap();
    assert_eq!(collect(&store, &[]).moved, 2);
    assert!(stray.exists() && directory.exists());
}

/// Threads put the same few contents again and again, each in an activity, and name them; another forgets names;
/// a third collects without any grace. What is named is there, always.
#[test]
fn collecting_beside_puts_never_loses_what_is_named() {
    let home = Home::new();
    drop(home.open());
    let contents: Vec<_> = (0..40).map(|seed| noise(seed, 200)).collect();
    // How many threads name each content now.
    let named = Mutex::new(vec![0u32; contents.len()]);
    let done = AtomicBool::new(false);
    let roots = || {
        let named = named.lock().unwrap();
        let live = (0..contents.len()).filter(|index| named[*index] > 0);
        live.map(|index| Digest::of(&contents[index])).collect::<HashSet<_>>()
    };
    let (mut moved, mut purged) = (0, 0);
    std::thread::scope(|scope| {
        let putters: Vec<_> = (0..3u64)
            .map(|thread| {
                let (contents, named, home) = (&contents, &named, &home);
                scope.spawn(move || {
                    let store = home.open();
                    for round in 0..700u64 {
                        let index =
                            (round * 7 + thread * 13 + round / 11) as usize % contents.len();
                        let work = store.begin().unwrap();
                        let put = store.put_bytes(&contents[index]).unwrap();
                        if round % 3 == 0 {
                            std::thread::yield_now();
                        }
                        named.lock().unwrap()[index] += 1;
                        drop(work);
                        std::thread::yield_now();
                        assert_eq!(content(&store, &put.digest), contents[index], "round {round}");
                        named.lock().unwrap()[index] -= 1;
                    }
                })
            })
            .collect();
        let collector = scope.spawn(|| {
            let store = home.open();
            let (mut moved, mut purged) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                let report = store.gc(&NOW, &mut || Ok::<_, std::io::Error>(roots())).unwrap();
                moved += report.moved;
                purged += report.purged;
            }
            (moved, purged)
        });
        let results: Vec<_> = putters.into_iter().map(|putter| putter.join()).collect();
        done.store(true, Ordering::Relaxed);
        (moved, purged) = collector.join().unwrap();
        results.into_iter().for_each(|result| result.unwrap());
    });
    assert!(moved > 100 && purged > 50, "{moved} moved, {purged} purged: too few to show anything");
    all_are_whole(&home.open());
}
