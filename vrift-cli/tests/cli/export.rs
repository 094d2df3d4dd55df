//! Writing a tree to a real directory.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, mknodat, utimensat};
use vrift_cli::export::{ExportError, Options, Report, What, export};
use vrift_cli::ingest::StatCache;
use vrift_cli::output::progress::Counters;

use crate::support::{Memory, Written, differences, is_root, read, write};

fn forced() -> Options {
    Options { force: true, ..Options::default() }
}

fn export_with(source: &Written, to: &Path, options: &Options) -> Result<Report, ExportError> {
    export(source, source.root(), to, options, &Counters::default())
}

fn taken(root: &Path) -> Written {
    let contents = Memory::new();
    let tree = read(root, &StatCache::empty(), &contents).into_tree();
    Written::new(tree, contents.contents.into_inner().unwrap())
}

fn set_times(path: &Path, sec: i64, nsec: i64) {
    let time = Timespec { tv_sec: sec, tv_nsec: nsec };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A directory with something of everything.
fn everything() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    write(root.path(), &[("a/b/c", "deep"), ("a/empty", ""), ("setuid", "#!"), ("z", "last")]);
    fs::write(at("large"), vec![7; 300_000]).unwrap();
    fs::create_dir(at("readonly")).unwrap();
    write(root.path(), &[("readonly/in", "kept")]);
    for name in ["z2", "a/b/z3"] {
        fs::hard_link(at("z"), at(name)).unwrap();
    }
    fs::hard_link(at("readonly/in"), at("linked")).unwrap();
    symlink("/etc/passwd", at("absolute")).unwrap();
    symlink("../..", at("a/up")).unwrap();
    fs::hard_link(at("absolute"), at("absolute2")).unwrap();
    mknodat(CWD, at("pipe"), FileType::Fifo, Mode::from(0o622), 0).unwrap();
    mknodat(CWD, at("socket"), FileType::Socket, Mode::from(0o622), 0).unwrap();
    if is_root() {
        mknodat(CWD, at("null"), FileType::CharacterDevice, Mode::from(0o666), 0x103).unwrap();
        std::os::unix::fs::lchown(at("a/empty"), Some(1234), Some(4321)).unwrap();
        std::os::unix::fs::lchown(at("absolute"), Some(1234), Some(4321)).unwrap();
    }
    let _ = rustix::fs::setxattr(at("z"), "user.note", b"of a file", XattrFlags::empty());
    let _ = rustix::fs::setxattr(at("a"), "user.note", b"of a directory", XattrFlags::empty());
    set_mode(&at("pipe"), 0o622);
    set_mode(&at("setuid"), 0o4755);
    set_mode(&at("a"), 0o1777);
    for (name, sec, nsec) in
        [("absolute", -5, 1), ("z", 1 << 33, 999_999_999), ("pipe", 7, 7), ("readonly/in", 1, 0)]
    {
        set_times(&at(name), sec, nsec);
    }
    set_mode(&at("readonly"), 0o555);
    for (name, sec) in [("a/b", 100), ("a", 200), ("readonly", 300), ("", 400)] {
        set_times(&at(name), sec, 123_456_789);
    }
    root
}

fn open_up(root: &Path) {
    set_mode(&root.join("readonly"), 0o755);
}

#[test]
fn what_was_read_and_written_is_the_same_directory() {
    let (from, to) = (everything(), tempfile::tempdir().unwrap());
    let to = to.path().join("new");
    let report = export_with(&taken(from.path()), &to, &Options::default()).unwrap();
    assert_eq!(report.losses, []);
    assert_eq!(differences(from.path(), &to), Vec::<String>::new());
    let inode = |name: &str| fs::symlink_metadata(to.join(name)).unwrap().ino();
    assert_eq!(inode("z"), inode("a/b/z3"));
    assert_eq!(inode("linked"), inode("readonly/in"));
    assert_eq!(inode("absolute"), inode("absolute2"));
    open_up(from.path());
    open_up(&to);
}

#[test]
fn a_directory_that_has_entries_is_left_alone_unless_forced() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(from.path(), &[("a", "new")]);
    write(to.path(), &[("mine", "1")]);
    let refused = export_with(&taken(from.path()), to.path(), &Options::default()).unwrap_err();
    assert!(matches!(&refused, ExportError::NotEmpty(path) if path == to.path()));
    assert!(refused.to_string().ends_with("is not empty"));
    assert!(!to.path().join("a").exists());
    let file = to.path().join("mine");
    let refused = export_with(&taken(from.path()), &file, &forced()).unwrap_err();
    assert!(matches!(refused, ExportError::NotADirectory(_)));
}

#[test]
fn force_replaces_what_the_tree_has_and_leaves_the_rest() {
    let (from, to) = (everything(), tempfile::tempdir().unwrap());
    write(to.path(), &[("mine", "1"), ("a/mine", "2"), ("z", "old"), ("absolute", "a file")]);
    write(to.path(), &[("pipe/.gone", ""), ("readonly/in", "old")]);
    fs::remove_file(to.path().join("pipe/.gone")).unwrap();
    symlink("mine", to.path().join("large")).unwrap();
    set_mode(&to.path().join("readonly"), 0o555);
    let source = taken(from.path());
    for _ in 0..2 {
        let report = export_with(&source, to.path(), &forced()).unwrap();
        assert_eq!(report.losses, []);
        assert_eq!(fs::read(to.path().join("mine")).unwrap(), b"1");
        assert_eq!(fs::read(to.path().join("a/mine")).unwrap(), b"2");
        let others = ["mine only there", "a/mine only there"];
        let mut found = differences(from.path(), to.path());
        found.retain(|line| !others.contains(&line.as_str()));
        assert_eq!(found, Vec::<String>::new());
    }
    open_up(from.path());
    open_up(to.path());
}

#[test]
fn a_directory_with_entries_is_not_replaced_by_a_file() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(from.path(), &[("a", "file"), ("b", "file")]);
    write(to.path(), &[("a/mine", "1")]);
    let report = export_with(&taken(from.path()), to.path(), &forced()).unwrap();
    assert_eq!(report.losses.len(), 1);
    assert_eq!(report.losses[0].path, b"a");
    assert!(matches!(report.losses[0].what, What::InTheWay(_)));
    assert_eq!(fs::read(to.path().join("a/mine")).unwrap(), b"1");
    let names: Vec<_> = fs::read_dir(to.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing temporary is left: {names:?}");
}

#[test]
fn a_symlink_in_the_destination_leads_nowhere() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), &[("victim", "untouched"), ("dir/victim", "untouched")]);
    write(from.path(), &[("a/victim", "new"), ("dir/victim", "new"), ("b", "new")]);
    symlink(outside.path(), to.path().join("a")).unwrap();
    symlink(outside.path().join("dir"), to.path().join("dir")).unwrap();
    symlink(outside.path().join("victim"), to.path().join("b")).unwrap();
    let report = export_with(&taken(from.path()), to.path(), &forced()).unwrap();
    assert_eq!(report.losses, []);
    assert_eq!(fs::read(outside.path().join("victim")).unwrap(), b"untouched");
    assert_eq!(fs::read(outside.path().join("dir/victim")).unwrap(), b"untouched");
    assert_eq!(fs::read(to.path().join("a/victim")).unwrap(), b"new");
    assert!(fs::symlink_metadata(to.path().join("b")).unwrap().is_file());
}

#[test]
fn names_that_lead_out_of_the_destination_are_refused() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(from.path(), &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")]);
    let to = to.path().join("in");
    let mut source = taken(from.path());
    for (name, evil) in [("a", "../escaped"), ("b", ".."), ("c", "/tmp/x"), ("d", "nul\0")] {
        source.rename(name, evil);
    }
    let report = export_with(&source, &to, &Options::default()).unwrap();
    assert!(report.losses.iter().all(|loss| loss.what == What::Name));
    assert_eq!(report.losses.len(), 4);
    assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
    assert_eq!(fs::read_dir(to.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_content_that_is_missing_or_cut_is_listed_and_the_rest_is_written() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(from.path(), &[("missing", "one"), ("cut", "two"), ("fine", "three")]);
    let mut source = taken(from.path());
    source.contents.remove(&vrift_cas::Digest::of(b"one"));
    source.contents.insert(vrift_cas::Digest::of(b"two"), b"tw".to_vec());
    let report = export_with(&source, to.path(), &Options::default()).unwrap();
    let said: Vec<_> = report.losses.iter().map(|loss| loss.to_string()).collect();
    assert_eq!(
        said,
        ["cut: not written: the store has 2 bytes of 3", "missing: not written: no content"]
    );
    assert_eq!(fs::read(to.path().join("fine")).unwrap(), b"three");
    assert_eq!(fs::read_dir(to.path()).unwrap().count(), 1);
}

#[test]
fn one_file_is_exported_as_a_file() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(from.path(), &[("a", "content")]);
    set_mode(&from.path().join("a"), 0o640);
    let (source, copy) = (taken(from.path()), to.path().join("copy"));
    let write =
        |options: &Options| export(&source, source.node("a"), &copy, options, &Counters::default());
    assert_eq!(write(&Options::default()).unwrap().losses, []);
    assert_eq!(fs::read(&copy).unwrap(), b"content");
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o7777, 0o640);
    assert!(matches!(write(&Options::default()), Err(ExportError::Exists(_))));
    assert_eq!(write(&forced()).unwrap().losses, []);
}

#[test]
fn a_file_of_someone_else_does_not_keep_its_set_uid_bit() {
    if is_root() {
        println!("skipped: root can give files away");
        return;
    }
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(from.path(), &[("a", "#!")]);
    set_mode(&from.path().join("a"), 0o4755);
    let mut source = taken(from.path());
    source.change("a", |attributes| attributes.uid = 0);
    let report = export_with(&source, to.path(), &Options::default()).unwrap();
    assert_eq!(report.losses.len(), 1);
    assert_eq!(report.losses[0].what, What::SetId);
    assert_eq!(fs::metadata(to.path().join("a")).unwrap().mode() & 0o7777, 0o755);
}
