//! Reading a directory.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, mkdirat, mknodat, openat};
use vrift_cli::ingest::{Exclude, Found, Options, StatCache, What};

use crate::support::{Memory, is_root, lines, read, read_with, saved, settle, write};

fn read_all(root: &Path) -> vrift_cli::ingest::Tree {
    read(root, &StatCache::empty(), &Memory::new()).into_tree()
}

#[test]
fn every_kind_of_entry_is_read() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("a/file", "content"), ("a/empty", ""), ("z", "z")]);
    symlink("a/file", root.path().join("link")).unwrap();
    mknodat(CWD, root.path().join("pipe"), FileType::Fifo, Mode::from(0o640), 0).unwrap();
    let _socket = UnixListener::bind(root.path().join("socket")).unwrap();
    let tree = read_all(root.path());
    let digest = |text: &str| vrift_cas::Digest::of(text.as_bytes()).to_string()[..8].to_string();
    assert_eq!(
        lines(&tree),
        [
            " Directory Nothing".to_string(),
            "a Directory Nothing".to_string(),
            format!("a/empty File {}", digest("")),
            format!("a/file File {}", digest("content")),
            "link Symlink Target a/file".to_string(),
            "pipe Fifo Nothing".to_string(),
            "socket Socket Nothing".to_string(),
            format!("z File {}", digest("z")),
        ]
    );
    assert!(tree.problems().is_empty());
}

#[test]
fn attributes_are_those_of_stat_and_children_are_sorted() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("b", "1"), ("a.c", "22"), ("a", "333"), ("ab/x", "4")]);
    fs::set_permissions(root.path().join("b"), fs::Permissions::from_mode(0o4751)).unwrap();
    let tree = read_all(root.path());
    let top = &tree.entries()[0];
    let names: Vec<_> = tree.children(top).iter().map(|entry| tree.name(entry)).collect();
    assert_eq!(names, [&b"a"[..], b"a.c", b"ab", b"b"]);
    let entry = &tree.children(top)[3];
    let stat = fs::symlink_metadata(root.path().join("b")).unwrap();
    assert_eq!(entry.attributes.mode, stat.mode());
    assert_eq!((entry.attributes.uid, entry.attributes.gid), (stat.uid(), stat.gid()));
    assert_eq!(entry.attributes.size, 1);
    assert_eq!(i64::from(entry.attributes.mtime.nsec), stat.mtime_nsec());
    assert_eq!(entry.attributes.ctime.sec, stat.ctime());
}

#[test]
fn reading_leaves_access_times_alone() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("a", "content")]);
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let file = fs::File::options().write(true).open(root.path().join("a")).unwrap();
    file.set_times(fs::FileTimes::new().set_accessed(old)).unwrap();
    read_all(root.path());
    assert_eq!(fs::metadata(root.path().join("a")).unwrap().accessed().unwrap(), old);
}

#[test]
fn names_of_one_file_are_read_once_and_stay_together() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("d/one", "shared"), ("e/other", "shared")]);
    for name in ["a", "d/two", "z"] {
        fs::hard_link(root.path().join("d/one"), root.path().join(name)).unwrap();
    }
    let puts = AtomicU32::new(0);
    let contents = Memory::calling(|_: &[u8]| _ = puts.fetch_add(1, Ordering::Relaxed));
    let tree = read(root.path(), &StatCache::empty(), &contents).into_tree();
    assert_eq!(puts.into_inner(), 2);
    let place = |path: &[u8]| tree.entries().iter().position(|e| tree.path(e) == path).unwrap();
    let first = place(b"a") as u32;
    let link = |path: &[u8]| tree.entries()[place(path)].link;
    assert_eq!(
        [link(b"a"), link(b"d/one"), link(b"d/two"), link(b"z"), link(b"e/other")],
        [None, Some(first), Some(first), Some(first), None]
    );
    let digest = Found::Blob(vrift_cas::Digest::of(b"shared"));
    assert!(
        ["a", "z", "d/one"].iter().all(|p| tree.entries()[place(p.as_bytes())].found == digest)
    );
}

#[test]
fn an_unchanged_directory_is_not_read_again() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("a/b/c", "1"), ("a/d", "2"), ("e", "3")]);
    symlink("e", root.path().join("l")).unwrap();
    fs::hard_link(root.path().join("e"), root.path().join("f")).unwrap();
    settle();
    let first = read_all(root.path());
    let again = read(root.path(), &saved(&first), &Memory::new());
    assert!(again.is_unchanged());
    assert_eq!(again.files_read(), 0);
    assert_eq!(lines(&again.into_tree()), lines(&first));
}

#[test]
fn every_change_is_seen_also_one_that_restores_size_and_mtime() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 7] = [
        ("content with its mtime put back", |root| {
            let before = fs::metadata(root.join("a/file")).unwrap().modified().unwrap();
            fs::write(root.join("a/file"), "CONTENT").unwrap();
            let file = fs::File::options().write(true).open(root.join("a/file")).unwrap();
            file.set_modified(before).unwrap();
        }),
        ("mode", |root| {
            fs::set_permissions(root.join("z"), fs::Permissions::from_mode(0o600)).unwrap();
        }),
        ("a new file", |root| fs::write(root.join("a/new"), "").unwrap()),
        ("a removed file", |root| fs::remove_file(root.join("z")).unwrap()),
        ("a renamed directory", |root| fs::rename(root.join("a"), root.join("b")).unwrap()),
        ("a renamed file", |root| fs::rename(root.join("z"), root.join("y")).unwrap()),
        ("two exchanged files", |root| {
            rustix::fs::renameat_with(
                CWD,
                root.join("z"),
                CWD,
                root.join("a/file"),
                rustix::fs::RenameFlags::EXCHANGE,
            )
            .unwrap();
        }),
    ];
    for (what, change) in changes {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &[("a/file", "content"), ("z", "z"), ("k", "kept")]);
        settle();
        let first = read_all(root.path());
        settle();
        change(root.path());
        let again = read(root.path(), &saved(&first), &Memory::new());
        assert!(!again.is_unchanged(), "{what}");
        assert!(again.files_read() <= 2, "{what}");
        assert_eq!(lines(&again.into_tree()), lines(&read_all(root.path())), "{what}");
    }
}

#[test]
fn a_file_written_just_before_it_was_read_is_read_again() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("old", "1")]);
    settle();
    write(root.path(), &[("new", "2")]);
    let first = read_all(root.path());
    let again = read(root.path(), &saved(&first), &Memory::new());
    assert_eq!(again.files_read(), 1);
    assert!(!again.is_unchanged());
}

#[test]
fn a_file_that_changes_once_while_it_is_read_is_read_as_it_became() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("a", "before")]);
    let path = root.path().join("a");
    let contents = Memory::calling(|bytes: &[u8]| {
        if bytes == b"before" {
            fs::write(&path, "after, and longer").unwrap();
        }
    });
    let tree = read(root.path(), &StatCache::empty(), &contents).into_tree();
    assert!(tree.problems().is_empty());
    let entry = &tree.children(&tree.entries()[0])[0];
    assert_eq!(entry.found, Found::Blob(vrift_cas::Digest::of(b"after, and longer")));
    assert_eq!(entry.attributes.size, 17);
}

#[test]
fn a_file_that_changes_all_the_time_is_reported() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("log", "0"), ("quiet", "fine")]);
    settle();
    let path = root.path().join("log");
    let contents = Memory::calling(|bytes: &[u8]| {
        if bytes != b"fine" {
            fs::write(&path, format!("{}+", String::from_utf8_lossy(bytes))).unwrap();
        }
    });
    let tree = read(root.path(), &StatCache::empty(), &contents).into_tree();
    assert_eq!(tree.problems().len(), 1);
    assert_eq!(tree.problems()[0].path, b"log");
    assert_eq!(tree.problems()[0].what, What::Changing);
    assert_eq!(tree.children(&tree.entries()[0])[0].found, Found::Unread);
    assert_eq!(tree.problems()[0].to_string(), "log: changed each time it was read");
    // It is not taken for known the next time.
    assert_eq!(read(root.path(), &saved(&tree), &Memory::new()).files_read(), 1);
}

#[test]
fn a_file_that_is_removed_meanwhile_is_not_in_the_tree() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("a", "same"), ("b", "same"), ("c", "same")]);
    let contents = Memory::calling(|_: &[u8]| {
        for name in ["a", "b", "c"] {
            let _ = fs::remove_file(root.path().join(name));
        }
    });
    let options = Options { threads: Some(1), ..Options::default() };
    let tree = read_with(root.path(), &options, &StatCache::empty(), &contents).into_tree();
    assert!(tree.entries().len() <= 2, "{:?}", lines(&tree));
    assert!(tree.problems().is_empty());
}

#[test]
fn what_cannot_be_read_is_reported_with_its_path() {
    if is_root() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("d/secret", "1"), ("d/open", "2"), ("closed/in", "3"), ("half/in", "4")]);
    fs::hard_link(root.path().join("d/secret"), root.path().join("other")).unwrap();
    let set = |name: &str, mode| {
        fs::set_permissions(root.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    set("d/secret", 0);
    set("closed", 0);
    set("half", 0o444);
    let tree = read_all(root.path());
    set("closed", 0o755);
    set("half", 0o755);
    let mut said: Vec<_> = tree.problems().iter().map(|problem| problem.to_string()).collect();
    said.sort();
    let denied = "Permission denied (os error 13)";
    assert_eq!(
        said,
        [
            format!("closed: cannot be listed: {denied}"),
            format!("d/secret: cannot be read: {denied}"),
            format!("half: cannot be listed: {denied}"),
            format!("other: cannot be read: {denied}"),
        ]
    );
    let unread = |path: &[u8]| {
        tree.entries().iter().any(|e| tree.path(e) == path && e.found == Found::Unread)
    };
    assert!(unread(b"closed") && unread(b"half") && unread(b"d/secret") && unread(b"other"));
    assert!(!unread(b"d/open"));
}

#[test]
fn extended_attributes_are_kept_of_files_and_directories_also_when_nothing_changed() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("d/file", "1"), ("plain", "2")]);
    for name in ["", "d", "d/file"] {
        let path = root.path().join(name);
        let value = name.as_bytes();
        match rustix::fs::setxattr(&path, "user.vrift", value, XattrFlags::empty()) {
            Err(rustix::io::Errno::NOTSUP) => return,
            result => result.unwrap(),
        }
    }
    settle();
    let first = read_all(root.path());
    let again = read(root.path(), &saved(&first), &Memory::new());
    assert!(again.is_unchanged());
    for tree in [first, again.into_tree()] {
        let found: Vec<_> = tree
            .entries()
            .iter()
            .flat_map(|entry| tree.xattrs(entry))
            .map(|xattr| (xattr.name.as_slice(), xattr.value.as_slice()))
            .collect();
        let name = &b"user.vrift"[..];
        assert_eq!(found, [(name, &b""[..]), (name, b"d"), (name, b"d/file")]);
    }
}

#[test]
fn what_is_excluded_and_the_store_itself_are_left_out() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[("a.o", ""), ("a.c", ""), ("target/x", ""), ("sub/target/y", ""), ("store/blob", "")],
    );
    let store = fs::metadata(root.path().join("store")).unwrap();
    let options = Options {
        exclude: Exclude::new(["*.o", "/target/"]).unwrap(),
        skip: vec![(store.dev(), store.ino())],
        ..Options::default()
    };
    let tree = read_with(root.path(), &options, &StatCache::empty(), &Memory::new()).into_tree();
    let paths: Vec<_> = tree.entries().iter().map(|entry| tree.path(entry)).collect();
    assert_eq!(paths, [&b""[..], b"a.c", b"sub", b"sub/target", b"sub/target/y"]);
}

#[test]
fn names_are_bytes_and_paths_have_no_bound() {
    let root = tempfile::tempdir().unwrap();
    let odd = OsStr::from_bytes(b"line\nbreak \xff\xfe");
    fs::write(root.path().join(odd), "odd").unwrap();
    let mut directory = rustix::fs::open(
        root.path(),
        rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::RDONLY,
        Mode::empty(),
    )
    .unwrap();
    let name = "d".repeat(200);
    for _ in 0..40 {
        mkdirat(&directory, &name, Mode::RWXU).unwrap();
        directory =
            openat(&directory, &name, rustix::fs::OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
    openat(&directory, "deep", flags, Mode::RWXU).unwrap();
    let tree = read_all(root.path());
    assert!(tree.problems().is_empty());
    let longest = tree.entries().iter().map(|entry| tree.path(entry).len()).max().unwrap();
    assert_eq!(longest, 40 * 201 + 4);
    assert!(tree.entries().iter().any(|entry| tree.name(entry) == odd.as_bytes()));
}

#[test]
fn a_directory_that_is_not_there_is_an_error_that_names_it() {
    let gone = Path::new("/nonexistent/directory");
    let counters = vrift_cli::output::progress::Counters::default();
    let result = vrift_cli::ingest::scan(
        gone,
        &Options::default(),
        &StatCache::empty(),
        &Memory::new(),
        &counters,
    );
    let said = result.err().unwrap().to_string();
    assert_eq!(said, "cannot open the directory '/nonexistent/directory'");
}

#[test]
fn a_damaged_cache_file_is_as_good_as_none() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("a", "1"), ("b", "2")]);
    let bytes = read_all(root.path()).stat_cache(7).as_bytes().to_vec();
    assert_eq!(StatCache::from_bytes(bytes.clone()).unwrap().tag(), 7);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(StatCache::from_bytes(damaged).is_none(), "byte {at}");
        assert!(StatCache::from_bytes(bytes[..at].to_vec()).is_none(), "cut at {at}");
    }
    let path = root.path().join("cache");
    fs::write(&path, "nonsense").unwrap();
    assert!(!read(root.path(), &StatCache::load(&path).unwrap(), &Memory::new()).is_unchanged());
    fs::remove_file(&path).unwrap();
    assert_eq!(StatCache::load(&path).unwrap().as_bytes(), b"");
}
