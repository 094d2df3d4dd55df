//! No room: a limit on the size of files, a full disk. The error says so, nobody is killed by a signal, nothing that was
//! written is lost, and when there is room again everything goes on.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use vrift_manifest::session::{Seal, Session, SessionError};
use vrift_manifest::tree::Change;

use crate::support::{
    Fixture, TOP, append, as_somebody, child, content, create, from_parent, node, write,
};

const WRITE: OFlags = OFlags::WRONLY.union(OFlags::CLOEXEC);

#[test]
fn a_limit_on_the_size_of_files_is_an_error_where_a_copy_is_made() {
    let fixture = Fixture::alone();
    write(&fixture.session(), "f", &[7; 100_000]);
    let limited = child("full::limited_child", &fixture.root, "").output().expect("a child");
    let said = String::from_utf8_lossy(&limited.stdout).into_owned();
    assert!(limited.status.success(), "{}\n{said}", limited.status);
    let session = fixture.session();
    assert_eq!(content(&session, "f"), [7; 100_000]);
    assert_eq!(content(&session, "small"), b"small");
}

#[test]
#[ignore = "a child of other tests"]
fn limited_child() {
    let (handover, _) = from_parent();
    let session = Session::attach(&handover).expect("a session");
    // The journal's mapping is made at the first change, and has room by then.
    write(&session, "before", b"before");
    let limit = Rlimit { current: Some(50_000), maximum: getrlimit(Resource::Fsize).maximum };
    setrlimit(Resource::Fsize, limit).expect("set");
    let refused = as_somebody(|who| session.open_for_writing(who, node(&session, "f"), WRITE));
    assert_eq!(refused.map(drop), Err(SessionError::Errno(Errno::FBIG)));
    write(&session, "small", b"small");
    std::process::exit(0);
}

fn is_full(error: SessionError) {
    assert_eq!(error, SessionError::Errno(Errno::NOSPC));
}

/// Takes all room on the disk; removed, it is there again.
fn take_all(fixture_root: &std::path::Path) -> std::path::PathBuf {
    let path = fixture_root.join("all");
    let file = File::create(&path).expect("made");
    let (mut at, mut size) = (0, 1 << 20);
    while size > 0 {
        match file.write_at(&vec![1; size], at) {
            Ok(written) => at += written as u64,
            Err(_) => size /= 2,
        }
    }
    let _ = file.sync_all();
    path
}

/// Started by `scripts/full-disks`, on a small disk.
#[test]
#[ignore = "needs a small disk: see scripts/full-disks"]
fn full_disk_child() {
    let root = std::env::var_os("VRIFT_TEST_ROOT").expect("started by the script only");
    let root = std::path::PathBuf::from(root);
    let fixture = Fixture::at(&root.join("session"));
    let session = fixture.session();
    write(&session, "sealed", b"sealed");
    let mut open = File::from(create(&session, "open", WRITE).expect("made").1);
    open.write_all(b"written").expect("room");
    let all = take_all(&root);
    let mut made = 0;
    // Until not even a name fits.
    for file in 0..5_000 {
        let name = format!("file-{file}");
        match create(&session, &name, WRITE) {
            Ok((node, file)) => {
                let _ = File::from(file).write_all(&[3; 5_000]);
                match as_somebody(|who| session.seal(who, node)) {
                    Ok(seal) => assert!(matches!(seal, Seal::Sealed { .. }), "{seal:?}"),
                    Err(error) => is_full(error),
                }
                made += 1;
            }
            Err(error) => {
                is_full(error);
                break;
            }
        }
    }
    println!("{made} files on a full disk");
    // What there is stays readable, and can be removed.
    assert_eq!(content(&session, "sealed"), b"sealed");
    assert_eq!(content(&session, "open"), b"written");
    drop(open);
    match as_somebody(|who| session.seal(who, node(&session, "open"))) {
        Ok(_) => {}
        Err(error) => is_full(error),
    }
    assert_eq!(content(&session, "open"), b"written");
    match as_somebody(|who| session.open_for_writing(who, node(&session, "open"), WRITE)) {
        Ok(file) => drop(File::from(file).write_all(b"W")),
        Err(error) => is_full(error),
    }
    let text = content(&session, "open");
    assert!([&b"written"[..], b"Written"].contains(&text.as_slice()), "{}", text.escape_ascii());
    let unlink = Change::Unlink { parent: TOP, name: b"sealed" };
    as_somebody(|who| session.change(who, &unlink)).expect("removing works");
    std::fs::remove_file(all).expect("removed");
    append(&session, "open", b" and more");
    let report = fixture.workspace().seal_drafts().expect("sealed");
    assert!(report.failed.is_empty() && report.busy.is_empty(), "{report:?}");
    assert_eq!(content(&fixture.session(), "open"), [&text[..], b" and more"].concat());
    write(&fixture.session(), "after", b"after");
    crate::support::check_blobs(&fixture, "afterwards");
    println!("a session on a full disk: nothing lost");
}
