//! kill -9 before and after every system call of every operation on a whole workspace. Afterwards each workspace opens
//! without help, its tree is the old or the new one, nothing acknowledged is lost, no other workspace is hurt, and the
//! operation can be done again.

use std::cell::Cell;
use std::os::unix::fs::FileExt;

use vrift_cas::Digest;
use vrift_manifest::image::Builder;
use vrift_manifest::journal::Reason;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{
    Home, Moment, Replacement, Workspace, WorkspaceError, drop_workspace, roots, write_image,
};

use crate::support::{
    Fixture, create, create_file, directory_spec, from_parent, make_directory, names, open_segment,
    picture, restart_machine,
};
use crate::trace::{Traced, ready};

/// A number of the environment.
fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Of the places to kill at, how many are tried: one in so many.
fn one_in() -> usize {
    number("VRIFT_TEST_SWEEP").unwrap_or(9)
}

/// Which ones: with as many seeds from 0 on as one is taken of, all are.
fn seed() -> usize {
    number("VRIFT_TEST_SEED").unwrap_or(0)
}

/// `told`: an image, or an image and what it has in common with a directory.
fn replacement(told: &str) -> Replacement {
    let (image, base) =
        told.split_once(':').map_or((told, None), |(image, base)| (image, Some(base)));
    let digest = |text: &str| -> Digest { text.parse().expect("a digest") };
    let plain = Replacement::plain(digest(image), Reason::Ingest);
    let origin = base.map(|_| ("/from/here".into(), vec!["*.o".to_owned()]));
    Replacement { origin, base: base.map(digest), ..plain }
}

fn perform(home: &Home, what: &str, name: &str) -> Result<(), WorkspaceError> {
    let open = |name| Workspace::open(home, name);
    match what {
        "create" => create(home, name),
        "fork" => open("w")?.fork(&Moment::Now, name)?,
        "snapshot" => drop(open("w")?.snapshot(name)?),
        "replace" => drop(open("w")?.replace(&replacement(name))?),
        "compact" => drop(open("w")?.compact()?),
        "forget" => drop(open("w")?.forget()?),
        "drop" => drop_workspace(home, name)?,
        "repair" => drop(open(name)?.repair()?),
        "open" => drop(open("w")?),
        "sync" => drop(open("w")?.sync()?),
        other => panic!("{other}"),
    }
    Ok(())
}

#[test]
#[ignore = "a child of other tests"]
fn sweeping_child() {
    let (home, argument) = from_parent();
    let (what, name) = argument.split_once(' ').expect("two words");
    ready();
    perform(&home, what, name).expect("it can be done");
    std::process::exit(0);
}

/// Runs a child until `stop` times it was before or behind a system call, then kills it. If it ends before, how often
/// it was. `None`: it cannot be traced here.
fn kill_at(fixture: &Fixture, what: &str, name: &str, stop: usize) -> Option<Result<(), usize>> {
    let argument = format!("{what} {name}");
    let traced = Traced::start("sweep::sweeping_child", &fixture.root, &argument)?;
    for stops in 0..stop {
        if !traced.to_next_call() {
            let (status, _) = traced.end();
            assert!(status.success(), "{what} at {stop}: {status}");
            return Some(Err(stops));
        }
    }
    traced.kill();
    Some(Ok(()))
}

/// Kills `what` everywhere. `name` is asked for its argument before each try, `check` looks at what is there after it.
fn sweep(
    fixture: &Fixture,
    what: &str,
    name: impl FnMut(usize) -> String,
    check: impl FnMut(&str, &str, bool),
) {
    sweep_from(fixture, what, 0, name, check);
}

/// Kills it at all of the `last` places, and at one in so many of those before them.
fn sweep_from(
    fixture: &Fixture,
    what: &str,
    last: usize,
    mut name: impl FnMut(usize) -> String,
    mut check: impl FnMut(&str, &str, bool),
) {
    let whole = name(0);
    let Some(Err(stops)) = kill_at(fixture, what, &whole, usize::MAX) else { return };
    check(&whole, &format!("{what}, not killed"), true);
    let mut kills = 0;
    let each = stops.saturating_sub(last)..stops;
    // Until one comes to its end: how many stops there are, differs, and grows by what the dead leave.
    let tried = |stop: &usize| each.contains(stop) || stop % one_in() == (1 + seed()) % one_in();
    for stop in (1..=2 * stops).filter(tried) {
        let argument = name(stop);
        let killed = kill_at(fixture, what, &argument, stop).expect("as before").is_ok();
        kills += usize::from(killed);
        check(&argument, &format!("{what}, killed at {stop}"), !killed);
        if !killed {
            break;
        }
    }
    println!("{what}: {kills} kills");
    println!("tally\tsweep\t{kills}\t0\t{0}-{0}", seed());
    assert!(kills > 10 / one_in(), "{what}: {kills} kills");
}

/// A store with a workspace `w` that has some history, and one that has nothing to do with it, but for being its fork.
struct Scene {
    fixture: Fixture,
    named: (u64, Vec<String>),
    fork: Vec<String>,
    /// Acknowledged changes so far.
    files: Cell<usize>,
}

impl Scene {
    fn new() -> Scene {
        let fixture = Fixture::new();
        let mut workspace = fixture.workspace("w");
        let directory = make_directory(&mut workspace, ROOT, "directory").node;
        for file in 0..20 {
            create_file(&mut workspace, directory, &format!("file-{file}"));
        }
        let blob = fixture.home.store().put_bytes(b"content").expect("a blob");
        let node = create_file(&mut workspace, ROOT, "content").node;
        let (digest, size) = (blob.digest, blob.size);
        let change = Change::SetContent { node, digest, size, mtime: None };
        workspace.change(&change).expect("content");
        let named = (workspace.snapshot("named").expect("named"), picture(workspace.tree()));
        workspace.fork(&Moment::Now, "fork").expect("a fork");
        let fork = picture(Workspace::open(&fixture.home, "fork").expect("it exists").tree());
        Scene { fixture, named, fork, files: Cell::new(0) }
    }

    fn home(&self) -> &Home {
        &self.fixture.home
    }

    /// An image of an empty tree.
    fn image(&self, seconds: i64) -> Digest {
        let time = Timestamp { sec: seconds, nsec: 0 };
        let builder = Builder::new(directory_spec(1, time)).expect("a root");
        write_image(self.home().store(), builder, 2).expect("an image").image_id
    }

    /// What holds after any kill. `w` has the files that were made since, or is empty of all.
    fn check(&self, place: &str, replaced: bool) {
        let mut workspace = Workspace::open(self.home(), "w").expect(place);
        assert!(workspace.damage().is_none(), "{place}");
        assert_eq!(picture(&workspace.view(self.named.0).expect(place)), self.named.1, "{place}");
        let moment = Moment::Snapshot("named".into());
        assert_eq!(workspace.resolve(&moment).expect(place), self.named.0);
        let fork = Workspace::open(self.home(), "fork").expect(place);
        assert_eq!(picture(fork.tree()), self.fork, "{place}");
        if !replaced {
            let found = names(workspace.tree(), "");
            assert_eq!(found.len(), 2 + self.files.get(), "{place}: {found:?}");
        }
        let state = picture(workspace.tree());
        assert_eq!(state, picture(&workspace.view(workspace.head()).expect(place)), "{place}");
        create_file(&mut workspace, ROOT, &format!("made-{}", self.files.get()));
        self.files.set(self.files.get() + 1);
    }
}

#[test]
fn creating_forking_and_naming_killed_anywhere_happen_or_not() {
    let scene = Scene::new();
    for what in ["create", "fork"] {
        sweep(
            &scene.fixture,
            what,
            |stop| format!("{what}-{stop}"),
            |name, place, finished| {
                scene.check(place, false);
                match Workspace::open(scene.home(), name) {
                    Err(WorkspaceError::NoSuchWorkspace(_)) if !finished => {
                        perform(scene.home(), what, name).expect(place);
                        Workspace::open(scene.home(), name).expect(place);
                    }
                    other => drop(other.expect(place)),
                }
            },
        );
    }
    sweep(
        &scene.fixture,
        "snapshot",
        |stop| format!("name-{stop}"),
        |name, place, finished| {
            let mut workspace = Workspace::open(scene.home(), "w").expect(place);
            let moment = Moment::Snapshot(name.into());
            match workspace.resolve(&moment) {
                Err(WorkspaceError::NoSuchSnapshot { .. }) if !finished => {
                    workspace.snapshot(name).expect(place);
                }
                other => {
                    let named = workspace.view(other.expect(place)).expect(place);
                    assert_eq!(picture(&named), picture(workspace.tree()), "{place}");
                }
            }
            scene.check(place, false);
        },
    );
    sweep(&scene.fixture, "sync", |_| "w".into(), |_, place, _| scene.check(place, false));
}

#[test]
fn replacing_and_folding_killed_anywhere_happen_or_not() {
    let scene = Scene::new();
    sweep(&scene.fixture, "compact", |_| "w".into(), |_, place, _| scene.check(place, false));
    let prepare = |_| {
        let mut workspace = Workspace::open(scene.home(), "w").expect("it opens");
        workspace.compact().expect("folded");
        "w".into()
    };
    sweep(&scene.fixture, "forget", prepare, |_, place, _| scene.check(place, false));

    let before = Cell::new(Vec::new());
    sweep(
        &scene.fixture,
        "replace",
        |stop| {
            let workspace = Workspace::open(scene.home(), "w").expect("it opens");
            before.set(picture(workspace.tree()));
            scene.image(1000 + stop as i64).to_string()
        },
        |_, place, finished| {
            let workspace = Workspace::open(scene.home(), "w").expect(place);
            let found = picture(workspace.tree());
            let new = names(workspace.tree(), "").is_empty();
            assert!(new || (!finished && found == before.take()), "{place}: {found:?}");
            scene.check(place, true);
        },
    );
}

#[test]
fn a_tree_of_a_directory_killed_anywhere_comes_with_what_is_known_of_the_directory() {
    let scene = Scene::new();
    let origin = |place: &str| {
        let config = Workspace::open(scene.home(), "w").expect(place).config().expect(place);
        config.origin.map(|origin| (origin.directory, origin.excludes, origin.base))
    };
    let before = Cell::new(None);
    let mut states = [0, 0];
    sweep_from(
        &scene.fixture,
        "replace",
        60,
        |stop| {
            before.set(origin("before"));
            let (image, base) = (2 * stop as i64, 2 * stop as i64 + 1);
            format!("{}:{}", scene.image(image), scene.image(base))
        },
        |told, place, finished| {
            let (image, base) = told.split_once(':').expect("both");
            // What a collection at this moment would leave.
            let needed = roots(scene.home()).expect(place).images;
            let workspace = Workspace::open(scene.home(), "w").expect(place);
            let config = workspace.config().expect(place);
            let new = config.last_era().image.to_string() == image;
            assert!(new || !finished, "{place}");
            let wanted = match new {
                true => {
                    let base: Digest = base.parse().expect("a digest");
                    assert!(needed.contains(&base), "{place}: it would be collected");
                    Some(("/from/here".into(), vec!["*.o".to_owned()], Some(base)))
                }
                false => before.take(),
            };
            assert_eq!(origin(place), wanted, "{place}");
            states[usize::from(new)] += 1;
        },
    );
    assert!(states.iter().all(|seen| *seen > 0), "before and after: {states:?}");
}

#[test]
fn dropping_killed_anywhere_happens_or_not() {
    let scene = Scene::new();
    sweep(
        &scene.fixture,
        "drop",
        |stop| {
            let name = format!("victim-{stop}");
            perform(scene.home(), "fork", &name).expect("a fork");
            drop(Workspace::open(scene.home(), &name).expect("it opens"));
            name
        },
        |name, place, finished| {
            scene.check(place, false);
            match Workspace::open(scene.home(), name) {
                Err(WorkspaceError::NoSuchWorkspace(_)) => {}
                other => {
                    assert!(!finished, "{place}");
                    drop(other.expect(place));
                    drop_workspace(scene.home(), name).expect(place);
                }
            }
            let listed = scene.home().names().expect("a list");
            assert!(!listed.iter().any(|listed| listed == name), "{place}");
        },
    );
    // What they left behind goes with the next one.
    create(scene.home(), "last");
    drop_workspace(scene.home(), "last").expect("dropped");
    let workspaces = std::fs::read_dir(scene.home().store().workspaces_dir()).expect("a directory");
    for entry in workspaces {
        let name = entry.expect("an entry").file_name();
        assert!(!name.to_string_lossy().starts_with(".dropped"), "{name:?}");
    }
}

#[test]
fn taking_over_after_a_restart_killed_anywhere_can_be_done_again() {
    let scene = Scene::new();
    sweep(
        &scene.fixture,
        "open",
        |stop| {
            // Some of it was synced, some was not, and of the last record a part is torn.
            let mut workspace = Workspace::open(scene.home(), "w").expect("it opens");
            workspace.sync().expect("synced");
            create_file(&mut workspace, ROOT, &format!("torn-{stop}"));
            let segment = std::fs::File::options().write(true).open(open_segment(&workspace));
            let end = workspace.journal_bytes() - 8;
            segment.expect("a segment").write_all_at(&[0xff; 8], end).expect("written");
            drop(workspace);
            restart_machine(&scene.fixture.root, "w");
            "w".into()
        },
        |_, place, _| scene.check(place, false),
    );
}

#[test]
fn repairing_killed_anywhere_happens_or_not() {
    let scene = Scene::new();
    let kept = Cell::new(0);
    sweep(
        &scene.fixture,
        "repair",
        |stop| {
            let name = format!("damaged-{stop}");
            create(scene.home(), &name);
            let mut workspace = Workspace::open(scene.home(), &name).expect("it opens");
            for file in 0..6 {
                create_file(&mut workspace, ROOT, &file.to_string());
            }
            workspace.sync().expect("synced");
            let segment = std::fs::File::options().write(true).open(open_segment(&workspace));
            segment.expect("a segment").write_all_at(&[0; 40], 300).expect("written");
            drop(workspace);
            restart_machine(&scene.fixture.root, &name);
            let workspace = Workspace::open(scene.home(), &name).expect("it opens");
            assert!(workspace.damage().is_some());
            kept.set(names(workspace.tree(), "").len());
            name
        },
        |name, place, _| {
            let mut workspace = Workspace::open(scene.home(), name).expect(place);
            assert_eq!(names(workspace.tree(), "").len(), kept.get(), "{place}");
            workspace.repair().expect(place);
            assert!(workspace.damage().is_none(), "{place}");
            create_file(&mut workspace, ROOT, "after");
            let workspace = Workspace::open(scene.home(), name).expect(place);
            assert_eq!(names(workspace.tree(), "").len(), kept.get() + 1, "{place}");
            scene.check(place, false);
        },
    );
}
