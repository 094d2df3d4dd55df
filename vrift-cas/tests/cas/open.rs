//! Creating and opening.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use vrift_cas::{Digest, Store, StoreError};

use crate::support::{Home, content, is_root, tear};

#[test]
fn a_store_is_made_once_and_keeps_its_name() {
    let home = Home::new();
    assert!(matches!(Store::open(home.root()), Err(StoreError::Missing { .. })));
    assert!(matches!(Store::open_read_only(home.root()), Err(StoreError::Missing { .. })));
    let store = home.open();
    assert_eq!(store.id().len(), 32);
    assert_eq!(home.open().id(), store.id());
    assert_eq!(Store::open(home.root()).unwrap().id(), store.id());
    let reader = Store::open_read_only(home.root()).unwrap();
    assert!(reader.is_read_only() && !store.is_read_only());
    assert_eq!(reader.root(), home.root());
    for path in [store.images_dir(), store.journals_dir(), store.workspaces_dir()] {
        assert!(path.is_dir());
    }
    assert!(store.contains(&Digest::EMPTY).unwrap());
}

#[test]
fn those_who_create_it_at_once_get_the_same_store() {
    for _ in 0..20 {
        let home = Home::new();
        let root = home.path().join("deep/down/store");
        let ids: Vec<_> = std::thread::scope(|scope| {
            let open = || {
                let store = Store::create_or_open(&root).unwrap();
                store.put_bytes(b"first").unwrap();
                store.id().to_owned()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let boot = std::fs::read_to_string(root.join("boot")).unwrap();
        assert!(boot.ends_with(" 1\n"), "{boot}");
    }
}

#[test]
fn an_empty_directory_becomes_a_private_store_and_an_interrupted_creation_is_finished() {
    let home = Home::new();
    std::fs::create_dir(home.root()).unwrap();
    std::fs::set_permissions(home.root(), Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir_all(home.root().join("staging/0123")).unwrap();
    assert!(matches!(Store::open(home.root()), Err(StoreError::Missing { .. })));
    home.open();
    assert_eq!(std::fs::metadata(home.root()).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn a_directory_with_other_things_in_it_is_refused_and_left_as_it_is() {
    let home = Home::new();
    std::fs::create_dir(home.root()).unwrap();
    std::fs::write(home.root().join("thesis.tex"), "years of work").unwrap();
    let before = home.snapshot();
    let error = Store::create_or_open(home.root()).unwrap_err();
    assert!(matches!(error, StoreError::NotAStore { .. }), "{error:?}");
    assert!(error.to_string().contains("thesis.tex"), "{error}");
    assert_eq!(home.snapshot(), before);
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = Store::create_or_open(path).unwrap_err();
        assert!(matches!(error, StoreError::NotAStore { .. } | StoreError::Io { .. }), "{error:?}");
    }
}

#[test]
fn blobs_without_a_format_file_are_not_taken_for_a_new_store() {
    let home = Home::new();
    drop(home.open());
    for name in ["format", "boot"] {
        std::fs::remove_file(home.root().join(name)).unwrap();
    }
    let error = Store::create_or_open(home.root()).unwrap_err();
    assert!(matches!(error, StoreError::NotAStore { .. }), "{error:?}");
    assert!(error.to_string().contains("format"), "{error}");
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_as_it_is() {
    let home = Home::new();
    drop(home.open());
    std::fs::write(home.root().join("format"), "vrift store 12\nid of another kind\n").unwrap();
    let before = home.snapshot();
    for result in [
        Store::create_or_open(home.root()),
        Store::open(home.root()),
        Store::open_read_only(home.root()),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(&error, StoreError::Newer { found, .. } if found == "12"), "{error:?}");
        assert!(error.to_string().contains("format 12"), "{error}");
    }
    assert_eq!(home.snapshot(), before);
    std::fs::write(home.root().join("format"), [0; 50]).unwrap();
    assert!(matches!(Store::open(home.root()), Err(StoreError::NotAStore { .. })));
}

#[test]
fn a_store_that_cannot_be_written_to_can_be_read() {
    let home = Home::new();
    let store = home.open();
    let (kept, trashed) =
        (store.put_bytes(b"kept").unwrap().digest, store.put_bytes(b"t").unwrap().digest);
    drop(store);
    std::fs::rename(home.blob(&trashed), home.trashed(&trashed)).unwrap();
    let directories = ["", "blobs", "staging", "trash", "active"];
    let set = |mode| {
        for name in directories {
            std::fs::set_permissions(home.root().join(name), Permissions::from_mode(mode)).unwrap();
        }
    };
    set(0o500);
    let before = home.snapshot();
    let store = Store::open_read_only(home.root()).unwrap();
    assert_eq!(content(&store, &kept), b"kept");
    assert_eq!(content(&store, &trashed), b"t");
    assert!(store.verify(&trashed).unwrap().is_sound());
    assert_eq!(store.size_of(&trashed).unwrap(), Some(1));
    assert_eq!(store.blobs().unwrap().count(), 2);
    assert_eq!(store.stale_staging().unwrap().files, 0);
    drop(store);
    assert_eq!(home.snapshot(), before);
    if !is_root() {
        // Opened for writing, it can still be read, and says what it cannot do.
        let store = Store::open(home.root()).unwrap();
        assert_eq!(content(&store, &trashed), b"t");
        let error = store.put_bytes(b"more").unwrap_err();
        assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
        assert!(error.to_string().contains("staging"), "{error}");
    }
    set(0o700);
}

#[test]
fn parts_of_a_store_on_another_file_system_are_refused() {
    let home = Home::new();
    drop(home.open());
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else { return };
    let device = |path: &std::path::Path| std::fs::metadata(path).unwrap().dev();
    if device(elsewhere.path()) == device(home.path()) {
        return;
    }
    let trash = home.root().join("trash");
    std::fs::remove_dir(&trash).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), &trash).unwrap();
    let error = Store::open(home.root()).unwrap_err();
    assert!(matches!(&error, StoreError::Split { path } if *path == trash), "{error:?}");
}

#[test]
fn a_count_of_boots_at_its_end_is_an_error_and_not_a_wrong_number() {
    let home = Home::new();
    drop(home.open());
    std::fs::write(home.root().join("boot"), "another 1000000000\n").unwrap();
    let error = Store::open(home.root()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn damage_to_a_small_file_of_the_store_is_no_reason_to_refuse_it() {
    let home = Home::new();
    let digest = home.open().put_bytes(b"x").unwrap().digest;
    home.open().sync().unwrap();
    for name in ["boot", "mark"] {
        tear(&home.root().join(name), &[0xff; 30]);
    }
    assert_eq!(content(&home.open(), &digest), b"x");
}
