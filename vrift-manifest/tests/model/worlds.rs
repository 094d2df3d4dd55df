//! Several workspaces, each with two handles as two processes would have them, and what the model says they are.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vrift_manifest::image::Builder;
use vrift_manifest::journal::Reason;
use vrift_manifest::time::Timestamp;
use vrift_manifest::workspace::{Moment, Replacement, Workspace, WorkspaceError, write_image};

use crate::actions::{Action, CONTENTS, Picked, Step, step};
use crate::posix::Model;
use crate::seen::seen;
use crate::support::{Fixture, directory_spec, restart_machine};

/// When an empty tree's root was made: as `support` does it.
const MADE: Timestamp = Timestamp { sec: 1_000_000_000, nsec: 5 };

struct World {
    name: String,
    handles: [Workspace; 2],
    /// Every state since the beginning, by its number. A number may be missing: nothing changed then.
    past: BTreeMap<u64, Model>,
    snapshots: BTreeMap<String, u64>,
    /// The last stamp that was given.
    time: Timestamp,
}

fn empty() -> Model {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Model::new(uid, gid, MADE)
}

impl World {
    fn open(fixture: &Fixture, name: &str, past: BTreeMap<u64, Model>) -> World {
        let open = || Workspace::open(&fixture.home, name).expect("it exists");
        let (snapshots, time) = (BTreeMap::new(), MADE);
        World { name: name.to_owned(), handles: [open(), open()], past, snapshots, time }
    }

    fn reopen(&mut self, fixture: &Fixture) {
        for handle in &mut self.handles {
            *handle = Workspace::open(&fixture.home, &self.name).expect("it exists");
            assert!(handle.damage().is_none());
            assert!(handle.cuts().is_empty(), "nothing was torn");
        }
    }

    fn present(&self) -> &Model {
        self.past.last_key_value().expect("the first state at least").1
    }

    /// The state `seq`, if there was one.
    fn state(&self, seq: u64) -> Option<&Model> {
        self.past.range(..=seq).next_back().map(|(_, model)| model)
    }

    /// Any number that history has.
    fn any_state(&self, pick: usize) -> u64 {
        let handle = &self.handles[0];
        let (oldest, head) = (handle.oldest().expect("a history"), handle.head());
        oldest + pick as u64 % (head - oldest + 1)
    }

    fn change(&mut self, handle: usize, picked: &Picked) {
        let mut model = self.present().clone();
        let nodes: Vec<u64> = model.nodes.keys().copied().collect();
        let change = picked.change(&nodes);
        let errors = model.errors(&change);
        let handle = &mut self.handles[handle];
        let before = handle.head();
        match handle.change(&change) {
            Ok(done) => {
                assert!(errors.is_empty(), "{change:?} is {errors:?} for the model");
                if model.is_idle(&change) {
                    assert_eq!((done.seq, handle.head()), (0, before), "{change:?}");
                    return;
                }
                assert_eq!((done.seq, handle.head()), (before + 1, before + 1), "{change:?}");
                assert!(done.time >= self.time, "{change:?}: time runs back");
                if matches!(picked, Picked::Create { .. }) {
                    assert!(done.node >= model.unused, "{change:?}: a number is used again");
                }
                self.time = done.time;
                model.apply(&change, done.time, done.node);
                self.past.insert(done.seq, model);
            }
            Err(WorkspaceError::Refused(errno)) => {
                assert!(errors.contains(&errno), "{change:?}: {errno:?} is none of {errors:?}");
                assert_eq!(handle.head(), before);
            }
            Err(other) => panic!("{change:?}: {other}"),
        }
    }

    fn check_present(&mut self) {
        let expected = self.present().seen();
        for handle in &mut self.handles {
            handle.refresh().expect("attached");
            assert_eq!(seen(handle.tree()), expected);
        }
    }

    fn check_state(&self, seq: u64) {
        let viewed = self.handles[0].view(seq).expect("a state of the past");
        assert_eq!(seen(&viewed), self.state(seq).expect("it was").seen(), "state {seq}");
    }

    /// All states, those that are gone as well.
    fn check_past(&self) {
        let handle = &self.handles[0];
        let (oldest, head) = (handle.oldest().expect("a history"), handle.head());
        assert!(self.snapshots.values().all(|&seq| oldest <= seq), "a named state is gone");
        for seq in oldest..=head {
            self.check_state(seq);
        }
        for seq in [oldest.wrapping_sub(1), head + 1] {
            let gone = matches!(handle.view(seq), Err(WorkspaceError::NoSuchState { .. }));
            assert!(gone, "state {seq} of {oldest}..={head}");
        }
        for (name, &seq) in &self.snapshots {
            let moment = Moment::Snapshot(name.clone());
            assert_eq!(handle.resolve(&moment).expect("named"), seq);
        }
    }
}

struct Worlds {
    fixture: Fixture,
    worlds: Vec<World>,
    named: usize,
}

impl Worlds {
    fn new() -> Worlds {
        let fixture = Fixture::new();
        for content in CONTENTS {
            fixture.home.store().put_bytes(content).expect("put");
        }
        drop(fixture.workspace("w0"));
        let first = World::open(&fixture, "w0", BTreeMap::from([(0, empty())]));
        Worlds { fixture, worlds: vec![first], named: 0 }
    }

    fn step(&mut self, step: &Step) {
        let count = self.worlds.len();
        let world = &mut self.worlds[step.world % count];
        let handle = step.handle;
        match &step.action {
            Action::Change(picked) => return world.change(handle, picked),
            Action::Snapshot => {
                self.named += 1;
                let name = format!("s{}", self.named);
                let seq = world.handles[handle].snapshot(&name).expect("a snapshot");
                world.snapshots.insert(name, seq);
            }
            Action::DropSnapshot(pick) => {
                let names: Vec<_> = world.snapshots.keys().cloned().collect();
                if let Some(name) = names.get(pick % (names.len() + 1)) {
                    world.handles[handle].drop_snapshot(name).expect("dropped");
                    world.snapshots.remove(name);
                }
            }
            Action::Sync => drop(world.handles[handle].sync().expect("synced")),
            Action::Compact => {
                let seq = world.handles[handle].compact().expect("compaction");
                let mut model = world.present().clone();
                model.forget_unnamed();
                world.past.insert(seq, model);
            }
            Action::Forget => drop(world.handles[handle].forget().expect("forgotten")),
            Action::Replace => {
                let unused = world.present().unused;
                let builder = Builder::new(directory_spec(1, MADE)).expect("a root");
                let store = self.fixture.home.store();
                let image = write_image(store, builder, unused).expect("an image").image_id;
                let (reason, expected, origin) = (Reason::Reset, None, None);
                let replacement = Replacement { image, reason, expected, origin, base: None };
                let seq = world.handles[handle].replace(&replacement).expect("replaced");
                world.past.insert(seq, Model { unused, ..empty() });
            }
            Action::Fork(pick) => {
                if count == 4 {
                    return;
                }
                let seq = world.any_state(*pick);
                let name = format!("w{count}");
                world.handles[handle].fork(&Moment::Seq(seq), &name).expect("a fork");
                let mut past = world.past.clone();
                // The state of a number is that of the last change before it.
                past.retain(|known, _| *known <= seq);
                let mut snapshots = world.snapshots.clone();
                snapshots.retain(|_, known| *known <= seq);
                let mut fork = World::open(&self.fixture, &name, past);
                fork.snapshots = snapshots;
                fork.check_present();
                self.worlds.push(fork);
            }
            Action::Reopen => world.reopen(&self.fixture),
            Action::RestartMachine => {
                for world in &self.worlds {
                    restart_machine(&self.fixture.root, &world.name);
                }
                for world in &mut self.worlds {
                    world.reopen(&self.fixture);
                    world.check_present();
                }
                return;
            }
            Action::View(pick) => {
                let seq = world.any_state(*pick);
                world.check_state(seq);
            }
        }
        self.worlds[step.world % count].check_present();
    }
}

fn run(steps: &[Step]) {
    let mut worlds = Worlds::new();
    for (place, step) in steps.iter().enumerate() {
        worlds.step(step);
        if place % 8 == 7 {
            let count = worlds.worlds.len();
            worlds.worlds[step.world % count].check_present();
        }
    }
    for world in &mut worlds.worlds {
        world.check_present();
        world.check_past();
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(32)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        max_shrink_iters: 2000,
        // What fails becomes a test with a name.
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_state_of_every_workspace_is_the_model_s(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        run(&steps);
    }
}
