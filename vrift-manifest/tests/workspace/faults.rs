//! Every system call of every operation fails in every way that it may: a full disk, no descriptors, no memory, a disk
//! that does not write. The error is clean, nothing acknowledged is lost, what is said to have happened has happened,
//! and the next try succeeds.
#![cfg(target_arch = "x86_64")]

use std::cell::Cell;

use nix::errno::Errno;
use nix::sys::ptrace;
use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{Home, Moment, Workspace, WorkspaceError};

use crate::support::{Fixture, create, create_file, from_parent, names, picture, restart_machine};
use crate::trace::{Traced, ready};

/// Of the faults, how many are tried: one in so many.
fn one_in() -> usize {
    std::env::var("VRIFT_TEST_FAULTS").ok().and_then(|text| text.parse().ok()).unwrap_or(11)
}

/// Which ones of them: with so many numbers from 0 on, all are.
fn seed() -> usize {
    std::env::var("VRIFT_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// How a call may fail. `flags`: the fourth argument, to tell mappings of files from memory of the allocator's.
fn faults(call: i64, flags: u64) -> &'static [Errno] {
    use Errno::*;
    const ANONYMOUS: u64 = 0x20;
    match call {
        libc::SYS_openat | libc::SYS_open => &[EMFILE, ENOSPC, EDQUOT, EIO, ENOMEM],
        libc::SYS_read | libc::SYS_pread64 => &[EIO, EINTR],
        libc::SYS_write | libc::SYS_pwrite64 => &[ENOSPC, EDQUOT, EIO, EINTR],
        libc::SYS_fsync | libc::SYS_fdatasync | libc::SYS_syncfs => &[EIO, ENOSPC],
        libc::SYS_rename | libc::SYS_renameat | libc::SYS_renameat2 => &[ENOSPC, EIO],
        libc::SYS_mkdir | libc::SYS_mkdirat => &[ENOSPC, EDQUOT],
        libc::SYS_fallocate => &[ENOSPC, EDQUOT, EIO, EINTR, EOPNOTSUPP],
        libc::SYS_mmap if flags & ANONYMOUS == 0 => &[ENOMEM],
        libc::SYS_fstat | libc::SYS_newfstatat | libc::SYS_statx => &[EIO, ENOMEM],
        libc::SYS_flock => &[EINTR, ENOLCK],
        libc::SYS_getrandom => &[EINTR, ENOSYS],
        libc::SYS_fchmod | libc::SYS_chmod => &[EIO],
        libc::SYS_unlink | libc::SYS_unlinkat => &[EIO],
        libc::SYS_prlimit64 | libc::SYS_fadvise64 | libc::SYS_utimensat => &[EIO],
        libc::SYS_ioctl => &[ENOTTY],
        _ => &[],
    }
}

/// Whether two calls, with their fourth arguments, are the same and may fail in the same ways.
fn is_like(one: (i64, u64), other: (i64, u64)) -> bool {
    one.0 == other.0 && faults(one.0, one.1) == faults(other.0, other.1)
}

const OPERATIONS: [&str; 9] =
    ["change", "grow", "first", "sync", "snapshot", "fork", "create", "compact", "restart"];

fn perform(
    home: &Home,
    open: &mut Workspace,
    what: &str,
    name: &str,
) -> Result<(), WorkspaceError> {
    let create_change = Change::Create {
        parent: ROOT,
        name: name.as_bytes(),
        mode: 0o100644,
        uid: 0,
        gid: 0,
        rdev: 0,
        target: b"",
    };
    match what {
        "change" | "first" => drop(open.change(&create_change)?),
        // Both files must grow for it.
        "grow" => {
            let node = open.change(&create_change)?.node;
            for turn in 0..40_u8 {
                let value = vec![turn; 30_000];
                let change = Change::SetXattr { node, name: b"user.x", value: Some(&value) };
                open.change(&change)?;
            }
        }
        "sync" => drop(open.sync()?),
        "snapshot" => drop(open.snapshot(name)?),
        "fork" => open.fork(&Moment::Now, name)?,
        "create" => create_or(home, name)?,
        "compact" => drop(open.compact()?),
        "restart" => drop(Workspace::open(home, "w")?),
        other => panic!("{other}"),
    }
    Ok(())
}

fn create_or(home: &Home, name: &str) -> Result<(), WorkspaceError> {
    use vrift_manifest::workspace::{NewWorkspace, write_image};
    let time = vrift_manifest::time::Timestamp { sec: 1, nsec: 0 };
    let spec = crate::support::directory_spec(1, time);
    let builder = vrift_manifest::image::Builder::new(spec)?;
    let image = write_image(home.store(), builder, 2)?.image_id;
    let new = NewWorkspace { name: name.into(), mount: "/vrift/test".into(), origin: None, image };
    new.create(home)
}

#[test]
#[ignore = "a child of other tests"]
fn faulty_child() {
    let (home, argument) = from_parent();
    let (what, name) = argument.split_once(' ').expect("two words");
    let mut open = Workspace::open(&home, if what == "restart" { "fork" } else { "w" });
    let open = open.as_mut().expect("it exists");
    if what != "first" {
        let missing = Change::Unlink { parent: ROOT, name: b"no such name" };
        open.change(&missing).expect_err("missing");
    }
    ready();
    match perform(&home, open, what, name) {
        Ok(()) => {}
        Err(error) => {
            println!("\nfailed: {error}");
            // The fault was one of the moment: the same handle goes on.
            match perform(&home, open, what, name) {
                Ok(()) | Err(WorkspaceError::Exists(_) | WorkspaceError::SnapshotExists { .. }) => {
                }
                // It had happened, though the one who asked was told otherwise.
                Err(WorkspaceError::Refused(rustix::io::Errno::EXIST)) => {}
                Err(error) => panic!("{what} does not work any more: {error}"),
            }
        }
    }
    std::process::exit(0);
}

/// The system calls of an operation: number and fourth argument. `None`: it cannot be traced here.
fn calls(root: &std::path::Path, argument: &str) -> Option<Vec<(i64, u64)>> {
    let traced = Traced::start("faults::faulty_child", root, argument)?;
    let mut calls = Vec::new();
    // The first stop is behind the call that waited for the word.
    assert!(traced.to_next_call());
    while traced.to_next_call() {
        let registers = ptrace::getregs(traced.thread).expect("registers");
        calls.push((registers.orig_rax.cast_signed(), registers.r10));
        if !traced.to_next_call() {
            break;
        }
    }
    let (status, lines) = traced.end();
    assert!(status.success(), "{argument}: {lines:?}");
    Some(calls)
}

/// Runs the operation with one call failing: of those that are like it, the one before which there are `before`. Whether it
/// came to that, and what is said of it.
fn run(
    root: &std::path::Path,
    argument: &str,
    (call, flags, before): (i64, u64, usize),
    errno: Errno,
) -> (bool, String) {
    let traced = Traced::start("faults::faulty_child", root, argument).expect("as before");
    let place = format!("{argument}, system call {call} after {before}, {errno}");
    let mut left = before;
    assert!(traced.to_next_call(), "{place}");
    let found = loop {
        if !traced.to_next_call() {
            break None;
        }
        let registers = ptrace::getregs(traced.thread).expect("registers");
        if is_like((registers.orig_rax.cast_signed(), registers.r10), (call, flags)) {
            if left == 0 {
                break Some(registers);
            }
            left -= 1;
        }
        if !traced.to_next_call() {
            break None;
        }
    };
    let Some(mut registers) = found else {
        // This time it needed less: a file had room, a name was free. Nothing was tried.
        assert!(traced.end().0.success(), "{place}");
        return (false, place);
    };
    registers.orig_rax = u64::MAX;
    ptrace::setregs(traced.thread, registers).expect("set");
    assert!(traced.to_next_call(), "{place}");
    let mut registers = ptrace::getregs(traced.thread).expect("registers");
    registers.rax = (-i64::from(errno as i32)).cast_unsigned();
    ptrace::setregs(traced.thread, registers).expect("set");
    ptrace::detach(traced.thread, None).expect("detached");
    let (status, lines) = traced.end();
    assert!(status.success(), "{place}: {status}, {lines:?}");
    (true, place)
}

#[test]
fn any_call_may_fail_and_nothing_is_lost() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "first");
    let named = (workspace.snapshot("named").expect("named"), picture(workspace.tree()));
    workspace.fork(&Moment::Now, "fork").expect("a fork");
    drop(workspace);
    let counter = Cell::new(0usize);
    let (mut tried, mut passed_over, mut number) = (0, 0, 0_usize);
    for what in OPERATIONS {
        let next = || {
            counter.set(counter.get() + 1);
            // So that there is something to do.
            let mut workspace = Workspace::open(&fixture.home, "w").expect("it opens");
            create_file(&mut workspace, ROOT, &format!("before-{}", counter.get()));
            if what == "restart" {
                restart_machine(&fixture.root, "w");
            }
            format!("n{}", counter.get())
        };
        let Some(calls) = calls(&fixture.root, &format!("{what} {}", next())) else { return };
        for (at, &(call, flags)) in calls.iter().enumerate() {
            let before = calls[..at].iter().filter(|&&it| is_like(it, (call, flags))).count();
            for &errno in faults(call, flags) {
                number += 1;
                if !(number + seed()).is_multiple_of(one_in()) {
                    continue;
                }
                let name = next();
                let argument = format!("{what} {name}");
                let (was_tried, place) =
                    run(&fixture.root, &argument, (call, flags, before), errno);
                *(if was_tried { &mut tried } else { &mut passed_over }) += 1;
                let workspace = Workspace::open(&fixture.home, "w").expect(&place);
                assert!(workspace.damage().is_none(), "{place}");
                assert_eq!(picture(&workspace.view(named.0).expect(&place)), named.1, "{place}");
                let replayed = workspace.view(workspace.head()).expect(&place);
                assert_eq!(picture(&replayed), picture(workspace.tree()), "{place}");
                // What it was told has failed it did once more.
                match what {
                    "fork" | "create" => {
                        drop(Workspace::open(&fixture.home, &name).expect(&place));
                    }
                    "snapshot" => {
                        let moment = Moment::Snapshot(name);
                        let seq = workspace.resolve(&moment).expect(&place);
                        drop(workspace.view(seq).expect(&place));
                    }
                    "change" | "grow" | "first" => {
                        assert!(names(workspace.tree(), "").contains(&name), "{place}");
                    }
                    _ => {}
                }
            }
        }
    }
    create(&fixture.home, "last");
    println!("{tried} faults, one in {}; {passed_over} did not come to it", one_in());
    println!("tally\terrors\t{tried}\t0\t{0}-{0}", seed());
    assert!(tried > 300 / one_in());
    assert!(passed_over * 10 < tried, "{passed_over} of {tried} were not what was recorded");
}
