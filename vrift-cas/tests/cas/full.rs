//! No room.

use std::process::Command;

use vrift_cas::{Store, StoreError};

use crate::child::child;
use crate::support::{Home, all_are_whole, is_root, noise};

#[test]
fn a_file_size_limit_fails_the_put_and_leaves_nothing() {
    let home = Home::new();
    let store = home.open();
    let before = all_are_whole(&store);
    // The signal is ignored, as a shell's trap can tell a child to, so that the write fails instead.
    let inner = child("put two mebibytes", &home.root());
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$@\"", "sh"]);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap());
    }
    assert!(command.stdout(std::process::Stdio::null()).status().unwrap().success());
    assert_eq!(all_are_whole(&store), before + 1);
    assert_eq!(store.stale_staging().unwrap().files, 0);
    assert!(store.put_reader(&mut noise(1, 2 << 20).as_slice()).unwrap().new);
}

/// A small file system, unmounted when dropped.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_fails_the_put_and_what_is_stored_stays_whole() {
    let home = Home::new();
    if !is_root() {
        return;
    }
    let place = home.path().join("disk");
    std::fs::create_dir(&place).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m,nr_inodes=400", "none"])
        .arg(&place)
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        return;
    }
    let mounted = Mounted(place);
    let store = Store::create_or_open(mounted.0.join("store")).unwrap();
    // First the blocks run out, then the inodes.
    let full = |error: &StoreError| {
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
        assert!(error.to_string().contains("store/"), "{error}");
    };
    full(&store.put_reader(&mut noise(1, 4 << 20).as_slice()).unwrap_err());
    full(&store.put_file(&home.file("large", &noise(2, 4 << 20))).unwrap_err());
    let mut stored = Vec::new();
    let mut patience = 500;
    let error = loop {
        match store.put_bytes(&noise(100 + stored.len() as u64, 20_000)) {
            Ok(put) => stored.push(put.digest),
            // The room of the failed puts comes back when the last descriptor is closed, and a child that another
            // test has just forked has copies until its exec.
            Err(_) if stored.len() <= 50 && patience > 0 => {
                patience -= 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            Err(error) => break error,
        }
    };
    full(&error);
    assert!(stored.len() > 50);
    all_are_whole(&store);
    // What is there can be put and used all the same, and there is room again after a collection.
    assert!(!store.put_bytes(&noise(100, 20_000)).unwrap().new);
    let options = vrift_cas::GcOptions { grace: Default::default(), dry_run: false };
    let keep: std::collections::HashSet<_> = stored[..10].iter().copied().collect();
    for _ in 0..2 {
        store.gc(&options, &mut || Ok::<_, std::io::Error>(keep.clone())).unwrap();
    }
    let error = (0..).find_map(|seed| store.put_bytes(&noise(9000 + seed, 10)).err()).unwrap();
    full(&error);
    all_are_whole(&store);
    for digest in &keep {
        assert!(store.verify(digest).unwrap().is_sound());
    }
}
