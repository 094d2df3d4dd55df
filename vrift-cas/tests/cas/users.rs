//! Several users, and rights that are missing.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;

use vrift_cas::{Store, StoreError};

use crate::child::{child, put_one};
use crate::support::{Home, all_are_whole, is_root};

const SOMEBODY: u32 = 1234;

/// Whether another user can run this binary at all: it may lie in a private directory.
fn somebody_can_run_this() -> bool {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.arg("--list").uid(SOMEBODY).gid(SOMEBODY).stdout(std::process::Stdio::null());
    let can = command.status().is_ok_and(|status| status.success());
    if !can {
        println!("skipped: another user cannot run this test");
    }
    can
}

#[test]
fn what_root_does_in_a_users_store_the_user_can_go_on_with() {
    let home = Home::new();
    if !is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    if !somebody_can_run_this() {
        return;
    }
    std::fs::create_dir(home.root()).unwrap();
    chown(home.root(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let store = home.open();
    for seed in 0..300 {
        put_one(&store, seed);
    }
    let work = store.begin().unwrap();
    let _ = store.sync();
    drop(work);
    let mut user = child("go on as the owner", &home.root());
    assert!(user.uid(SOMEBODY).gid(SOMEBODY).status().unwrap().success());
    all_are_whole(&store);
}

#[test]
fn a_missing_right_is_told_with_the_path() {
    let home = Home::new();
    drop(home.open());
    let blobs = home.root().join("blobs");
    if is_root() {
        if !somebody_can_run_this() {
            return;
        }
        for name in ["", "staging", "trash", "active"] {
            chown(home.root().join(name), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        }
        for name in ["format", "boot"] {
            chown(home.root().join(name), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        }
        std::fs::set_permissions(&blobs, Permissions::from_mode(0o555)).unwrap();
        let mut user = child("put and be denied", &home.root());
        assert!(user.uid(SOMEBODY).gid(SOMEBODY).status().unwrap().success());
    } else {
        std::fs::set_permissions(&blobs, Permissions::from_mode(0o500)).unwrap();
        assert!(child("put and be denied", &home.root()).status().unwrap().success());
        std::fs::set_permissions(home.root(), Permissions::from_mode(0o000)).unwrap();
        let error = Store::open(home.root()).unwrap_err();
        assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
        for path in [home.root(), blobs] {
            std::fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
        }
    }
}
