//! Placeholder directories: made, recognised and removed by system calls alone.

use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags};
use rustix::io::Errno;
use vrift_manifest::places::{self, PATH_MAX};

const ID: &[u8] = b"0123456789abcdef";

struct Runtime(tempfile::TempDir);

impl Runtime {
    fn new() -> Runtime {
        Runtime(tempfile::tempdir().expect("a directory"))
    }

    fn bytes(&self) -> &[u8] {
        self.0.path().as_os_str().as_bytes()
    }

    fn path(&self, node: u64) -> PathBuf {
        self.0.path().join("places-0123456789abcdef").join(node.to_string())
    }

    fn make(&self, node: u64) -> Result<PathBuf, Errno> {
        let mut buffer = [0; PATH_MAX];
        places::make(self.bytes(), ID, node, &mut buffer).map(owned)
    }

    fn seen(&self, node: u64) -> Option<u64> {
        seen(&self.path(node))
    }
}

fn owned(path: &CStr) -> PathBuf {
    Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())).to_path_buf()
}

fn seen(path: &Path) -> Option<u64> {
    places::node_of(&rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).expect("it is there"))
}

#[test]
fn a_placeholder_says_which_node_it_stands_for() {
    let runtime = Runtime::new();
    for node in [1, 10, 4_294_967_295, 15_000_000_000] {
        assert_eq!(runtime.make(node), Ok(runtime.path(node)));
        assert_eq!(runtime.seen(node), Some(node));
        assert_eq!(runtime.make(node), Ok(runtime.path(node)), "it may be there already");
    }
    let stat = rustix::fs::stat(runtime.path(10)).unwrap();
    assert_eq!(stat.st_mode & 0o7777, 0o1700);
    assert_eq!((stat.st_mtime, stat.st_mtime_nsec), (10, 22098));
}

#[test]
fn other_directories_and_files_stand_for_nothing() {
    let runtime = Runtime::new();
    runtime.make(7).unwrap();
    assert_eq!(seen(runtime.0.path()), None);
    assert_eq!(seen(runtime.path(7).parent().unwrap()), None);
    assert_eq!(places::node_of_parts(0o041700, 7, 22098), Some(7));
    assert_eq!(places::node_of_parts(0o043700, 7, 22098), Some(7), "set-group-id is inherited");
    assert_eq!(places::node_of_parts(0o041700, 7, 22099), None);
    assert_eq!(places::node_of_parts(0o041700, 0, 22098), None);
    assert_eq!(places::node_of_parts(0o041700, -7, 22098), None);
    assert_eq!(places::node_of_parts(0o040700, 7, 22098), None);
    assert_eq!(places::node_of_parts(0o101700, 7, 22098), None);
}

#[test]
fn a_mark_that_was_lost_is_set_again_when_nothing_lies_there() {
    let runtime = Runtime::new();
    runtime.make(7).unwrap();
    let stray = runtime.path(7).join("left behind");
    std::fs::write(&stray, "").unwrap();
    assert_eq!(runtime.seen(7), None);
    runtime.make(7).unwrap();
    assert_eq!(runtime.seen(7), None, "whoever looks is to see that something lies there");
    assert_eq!(places::remove(runtime.bytes(), ID, 7), Ok(()));
    assert!(stray.exists(), "what is not ours is not removed");
    std::fs::remove_file(&stray).unwrap();
    runtime.make(7).unwrap();
    assert_eq!(runtime.seen(7), Some(7));
}

#[test]
fn the_mark_is_read_through_a_descriptor_also_after_the_placeholder_was_removed() {
    let runtime = Runtime::new();
    let open = places::open(runtime.bytes(), ID, 42, OFlags::PATH | OFlags::CLOEXEC).unwrap();
    assert_eq!(places::node_of(&rustix::fs::fstat(&open).unwrap()), Some(42));
    assert_eq!(places::remove(runtime.bytes(), ID, 42), Ok(()));
    assert!(!runtime.path(42).exists());
    assert_eq!(places::node_of(&rustix::fs::fstat(&open).unwrap()), Some(42));
    assert_eq!(places::remove(runtime.bytes(), ID, 42), Ok(()), "gone is gone");
}

#[test]
fn the_placeholder_of_a_directory_that_another_took_the_place_of_is_replaced_itself() {
    let runtime = Runtime::new();
    let open = places::open(runtime.bytes(), ID, 42, OFlags::DIRECTORY | OFlags::CLOEXEC).unwrap();
    assert_eq!(places::remove_replaced(runtime.bytes(), ID, 42), Ok(()));
    let above = runtime.path(42).parent().unwrap().to_path_buf();
    assert_eq!(std::fs::read_dir(above).unwrap().count(), 0, "nothing is left");
    let stat = rustix::fs::fstat(&open).unwrap();
    assert_eq!((places::node_of(&stat), stat.st_nlink), (Some(42), 0));
    assert_eq!(places::remove_replaced(runtime.bytes(), ID, 42), Ok(()), "gone is gone");
}

#[test]
fn a_umask_takes_nothing_from_a_placeholder() {
    // The mask belongs to the whole process, so this is done in one of its own.
    let runtime = Runtime::new();
    let test = std::env::current_exe().unwrap();
    let child = std::process::Command::new("sh")
        .args([
            "-c",
            "umask 0777; exec \"$0\" --exact --ignored made_under_a_umask",
            test.to_str().unwrap(),
        ])
        .env("PLACES", runtime.0.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(runtime.seen(5), Some(5));
}

#[test]
#[ignore = "run by a_umask_takes_nothing_from_a_placeholder"]
fn made_under_a_umask() {
    let Some(runtime) = std::env::var_os("PLACES") else { return };
    let mut buffer = [0; PATH_MAX];
    places::make(runtime.as_bytes(), ID, 5, &mut buffer).unwrap();
}

#[test]
fn threads_that_make_the_same_placeholder_all_see_it_marked() {
    let runtime = Runtime::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for node in 1..200 {
                    let path = runtime.make(node).unwrap();
                    assert_eq!(seen(&path), Some(node));
                }
            });
        }
    });
}

#[test]
fn a_path_names_a_node_only_in_the_form_in_which_it_is_written() {
    let runtime = Runtime::new();
    let path = runtime.path(42);
    let of = |path: &Path| places::node_of_path(runtime.bytes(), ID, path.as_os_str().as_bytes());
    assert_eq!(of(&path), Some(42));
    let deleted = format!("{} (deleted)", path.display());
    assert_eq!(of(Path::new(&deleted)), Some(42));
    for wrong in ["042", "", "x", "42/x", "99999999999999999999999"] {
        assert_eq!(of(&path.with_file_name("x").parent().unwrap().join(wrong)), None, "{wrong}");
    }
    assert_eq!(of(runtime.0.path()), None);
}

#[test]
fn a_path_that_is_too_long_is_an_error() {
    let mut buffer = [0; PATH_MAX];
    let long = vec![b'a'; PATH_MAX];
    assert_eq!(places::make(&long, ID, 1, &mut buffer), Err(Errno::NAMETOOLONG));
    assert_eq!(places::make(&long[..PATH_MAX - 20], ID, 1, &mut buffer), Err(Errno::NAMETOOLONG));
}
