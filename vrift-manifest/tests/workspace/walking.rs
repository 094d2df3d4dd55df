//! The same paths walked in a workspace and by the kernel, by a user without privileges: same node or same errno.
//! The real directory lies at the workspace's mount path, so absolute symlinks lead to the same places.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use proptest::prelude::*;
use rustix::fs::{AtFlags, CWD, Gid, Mode, Uid};
use rustix::io::Errno;
use vrift_manifest::tree::path::Scratch;
use vrift_manifest::tree::{Change, Credentials, Found, ROOT, Tree, WalkError};

use crate::support::{Fixture, walk};

/// A directory, file or symlink at a path; symlinks are relative, or absolute below the mount path.
#[derive(Debug, Clone)]
enum Make {
    Directory(u32),
    File,
    Link(String),
    AbsoluteLink(String),
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[a-c]", 1 => Just("x".repeat(255))]
}

fn place() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..4).prop_map(|names| names.join("/"))
}

fn component() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-c]",
        2 => Just("..".to_owned()),
        1 => Just(".".to_owned()),
        1 => Just(String::new()),
        1 => Just("x".repeat(255)),
        1 => Just("x".repeat(256)),
    ]
}

fn path() -> impl Strategy<Value = String> {
    let slash = prop_oneof![3 => Just(""), 1 => Just("/")];
    (prop::collection::vec(component(), 1..7), slash)
        .prop_map(|(components, slash)| components.join("/") + slash)
}

fn make() -> impl Strategy<Value = (String, Make)> {
    let mode =
        prop_oneof![6 => Just(0o755u32), 1 => Just(0o700), 1 => Just(0o711), 1 => Just(0o000)];
    let kind = prop_oneof![
        5 => mode.prop_map(Make::Directory),
        2 => Just(Make::File),
        2 => path().prop_map(Make::Link),
        1 => place().prop_map(Make::AbsoluteLink),
    ];
    (place(), kind)
}

/// What the kernel says of a path, as the path under which the node was made.
fn really(
    root: &Path,
    path: &str,
    follow: bool,
    nodes: &BTreeMap<u64, String>,
) -> Result<String, Errno> {
    let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    let directory = rustix::fs::openat(
        CWD,
        root,
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY,
        Mode::empty(),
    )?;
    let found = rustix::fs::statat(directory, path, flags)?;
    Ok(nodes.get(&found.st_ino).cloned().unwrap_or_else(|| "outside".to_owned()))
}

fn virtually(
    tree: &Tree,
    mount: &Path,
    path: &str,
    follow: bool,
    who: &Credentials<'_>,
    nodes: &BTreeMap<u64, String>,
) -> Option<Result<String, Errno>> {
    let mut scratch = Scratch::default();
    let mount = mount.as_os_str().as_bytes();
    let found = tree.walk(tree.root(), path.as_bytes(), mount, follow, Some(who), &mut scratch);
    Some(match found {
        Ok(Found::Node(at)) => Ok(nodes[&tree.number(at).expect("a number")].clone()),
        Ok(Found::Outside(_)) => return None,
        Err(WalkError::NotFound) => Err(Errno::NOENT),
        Err(WalkError::NotDirectory) => Err(Errno::NOTDIR),
        Err(WalkError::Loop) => Err(Errno::LOOP),
        Err(WalkError::TooLong) => Err(Errno::NAMETOOLONG),
        Err(WalkError::Denied) => Err(Errno::ACCESS),
        Err(WalkError::Damaged(damaged)) => panic!("{path}: {damaged}"),
    })
}

fn run(makes: &[(String, Make)], paths: &[(String, bool)]) {
    let fixture = Fixture::new();
    let root = fixture.root.canonicalize().expect("a path").join("root");
    let mut workspace = fixture.workspace("w");
    fs::create_dir(&root).expect("a directory");
    // Whoever walks must be able to come here at all. What is above is the machine's.
    for made in root.ancestors().take(2) {
        rustix::fs::chmod(made, Mode::from(0o755)).expect("it is ours");
    }
    let walker = if rustix::process::geteuid().is_root() {
        12345
    } else {
        rustix::process::geteuid().as_raw()
    };
    let mut real = BTreeMap::from([(inode(&root), String::new())]);
    let mut ours = BTreeMap::from([(ROOT, String::new())]);
    let mut modes = Vec::new();
    for (place, make) in makes {
        let (above, last) = place.rsplit_once('/').unwrap_or(("", place));
        let Some(parent) = ours.iter().find(|(_, made)| *made == above).map(|(&node, _)| node)
        else {
            continue;
        };
        let path = root.join(place);
        if path.symlink_metadata().is_ok()
            || !root.join(above).symlink_metadata().is_ok_and(|m| m.is_dir())
        {
            continue;
        }
        let absolute = |target: &str| format!("{}/{target}", root.display());
        let (mode, target) = match make {
            Make::Directory(mode) => {
                fs::create_dir(&path).expect("made");
                modes.push((path.clone(), *mode));
                (0o040000 | mode, String::new())
            }
            Make::File => {
                fs::write(&path, b"").expect("made");
                (0o100644, String::new())
            }
            Make::Link(target) if target.is_empty() => continue,
            Make::Link(target) => (0o120777, target.clone()),
            Make::AbsoluteLink(target) => (0o120777, absolute(target)),
        };
        if !target.is_empty() {
            std::os::unix::fs::symlink(&target, &path).expect("made");
        }
        let owner = rustix::process::geteuid().as_raw();
        let change = Change::Create {
            parent,
            name: last.as_bytes(),
            mode,
            uid: owner,
            gid: rustix::process::getegid().as_raw(),
            rdev: 0,
            target: target.as_bytes(),
        };
        let node = workspace.change(&change).expect("made").node;
        real.insert(inode(&path), place.clone());
        ours.insert(node, place.clone());
    }
    for (path, mode) in modes.iter().rev() {
        rustix::fs::chmod(path, Mode::from(*mode)).expect("chmod");
    }

    let who = Credentials { uid: walker, gid: walker, groups: &[], privileged: false };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let walking = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                // This thread alone becomes a user without privileges.
                rustix::thread::set_thread_groups(&[]).expect("no groups");
                let (uid, gid) = (Uid::from_raw(walker), Gid::from_raw(walker));
                rustix::thread::set_thread_res_gid(gid, gid, gid).expect("another group");
                rustix::thread::set_thread_res_uid(uid, uid, uid).expect("another user");
            }
            let really = |(path, follow): &(String, bool)| really(&root, path, *follow, &real);
            paths.iter().map(really).collect()
        });
        walking.join().expect("the walker ends")
    });
    for ((path, follow), real) in paths.iter().zip(answers) {
        let ours = virtually(workspace.tree(), &root, path, *follow, &who, &ours);
        match ours {
            // Beyond the tree the kernel goes on by itself.
            None => {}
            Some(ours) => assert_eq!(real, ours, "'{path}' (follow: {follow}) in {makes:?}"),
        }
    }
    for (path, _) in modes {
        rustix::fs::chmod(path, Mode::from(0o755)).expect("so that it can be removed");
    }
}

fn inode(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    path.symlink_metadata().expect("it was just made").ino()
}

proptest! {
    #![proptest_config(crate::support::cases(128))]

    #[test]
    fn a_path_leads_where_the_kernel_s_leads(
        makes in prop::collection::vec(make(), 1..40),
        paths in prop::collection::vec((path(), any::<bool>()), 1..60),
    ) {
        run(&makes, &paths);
    }
}

#[test]
fn forty_symlinks_are_followed_and_one_more_is_a_loop() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    for link in 0..=41 {
        let (name, target) = (format!("l{link}"), format!("l{}", link + 1));
        let change = Change::Create {
            parent: ROOT,
            name: name.as_bytes(),
            mode: 0o120777,
            uid: 0,
            gid: 0,
            rdev: 0,
            target: if link == 41 { b"." } else { target.as_bytes() },
        };
        workspace.change(&change).expect("made");
    }
    let at = walk(workspace.tree(), "l2", true).expect("forty links");
    assert_eq!(workspace.tree().number(at).expect("a number"), ROOT);
    assert_eq!(walk(workspace.tree(), "l1", true), Err(WalkError::Loop));
    assert!(walk(workspace.tree(), "l1", false).is_ok(), "the last one is not followed");
}
