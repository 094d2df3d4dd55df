//! kill -9 before and behind every system call of programs in a workspace. Afterwards the tree is as before or as after,
//! nothing is lost from both sides of a rename, the store is whole, and the program can be run again.

use nix::libc;
use vrift_tests::traced::{Act, End, Whom};

use super::operations::{OPERATIONS, Operation};
use super::picture::{Picture, without};
use super::scene::{Scene, Sides};
use super::{one_in, seed};

/// How an operation is to be judged.
struct Judge<'a> {
    operation: &'a Operation,
    before: Sides,
    after: Sides,
}

impl Judge<'_> {
    /// Whether it has been done, but for what may be left behind.
    fn is_after(&self, found: &Sides) -> bool {
        let leaves = self.operation.leaves;
        let same = |found: &Picture, after: &Picture| without(found, leaves) == *after;
        same(&found.inside, &self.after.inside) && same(&found.outside, &self.after.outside)
    }

    /// Why what was found is wrong.
    fn wrong(&self, found: &Sides) -> Option<String> {
        let (before, after) = (&self.before, &self.after);
        if let Some(why) = self.side(&before.inside, &after.inside, &found.inside) {
            return Some(format!("in the tree: {why}"));
        }
        if let Some(why) = self.side(&before.outside, &after.outside, &found.outside) {
            return Some(format!("outside: {why}"));
        }
        // What there is before and after is there all the time.
        let contents = |sides: &Sides| {
            let all = sides.inside.values().chain(sides.outside.values());
            all.map(|entry| entry.content.clone()).collect::<Vec<_>>()
        };
        let (before, after, found) = (contents(before), contents(after), contents(found));
        let lost = before.iter().find(|one| after.contains(one) && !found.contains(one));
        lost.map(|lost| format!("lost from both sides: {}", short(lost)))
    }

    fn side(&self, before: &Picture, after: &Picture, found: &Picture) -> Option<String> {
        let mut found = without(found, self.operation.leaves);
        let (mut before, mut after) = (before.clone(), after.clone());
        for (name, contents) in self.operation.between {
            let Some(entry) = found.get(*name) else { continue };
            if contents.iter().any(|content| content.as_bytes() == entry.content) {
                for side in [&mut before, &mut after, &mut found] {
                    side.remove(*name);
                }
            }
        }
        if self.operation.steps {
            return steps(&before, &after, &found);
        }
        // What a program leaves behind has changed its directory.
        if !self.operation.leaves.is_empty() {
            for side in [&mut before, &mut after, &mut found] {
                side.remove("");
            }
        }
        if found == before || found == after {
            return None;
        }
        let differs = |side: &Picture| {
            let names =
                side.keys().chain(found.keys()).filter(|name| side.get(*name) != found.get(*name));
            let show = |name: &String| {
                format!("{name}: {:?} {:?}", short_entry(side, name), short_entry(&found, name))
            };
            names.map(show).collect::<Vec<_>>().join("; ")
        };
        Some(format!("not as before ({}), not as after ({})", differs(&before), differs(&after)))
    }
}

/// Each entry by itself is as before or as after; modes and times come later than contents.
fn steps(before: &Picture, after: &Picture, found: &Picture) -> Option<String> {
    let content = |side: &Picture, name: &str| side.get(name).map(|entry| entry.content.clone());
    for name in before.keys().chain(after.keys()).chain(found.keys()) {
        let is = content(found, name);
        if is != content(before, name) && is != content(after, name) {
            return Some(format!("{name}: {:?}", is.map(|content| short(&content))));
        }
    }
    None
}

fn short(content: &[u8]) -> String {
    let part = content.get(..40).unwrap_or(content);
    format!("{} ({} bytes)", part.escape_ascii(), content.len())
}

fn short_entry(side: &Picture, name: &str) -> Option<String> {
    let entry = side.get(name)?;
    let content = short(&entry.content);
    Some(format!("{:o} links {} mtime {:?} {content}", entry.mode, entry.links, entry.mtime))
}

fn sweep(scene: &mut Scene, operation: &Operation) {
    let words =
        |scene: &Scene, number| operation.words(&scene.inside(number), &scene.outside(number));
    let (before, after) = scene.native(&|inside, outside| operation.words(inside, outside));
    let judge = Judge { operation, before, after };
    let name = operation.name;

    let number = scene.next();
    assert_eq!(scene.look(number, name), judge.before, "{name}, before");
    let mut stops = 0;
    let Some((end, said)) = scene.trace(&words(scene, number), Whom::First, |_| {
        stops += 1;
        Act::Pass
    }) else {
        return;
    };
    assert_eq!(end, End::Code(0), "{name}, not killed: {said}");
    assert_eq!(scene.look(number, name), judge.after, "{name}, not killed");

    let (step, mut kills) = (one_in("VRIFT_TEST_SWEEP", 29), 0);
    // Places of all operations together are spread, not always the same ones of each.
    let start = 1 + (name.len() * 7 + seed()) % step;
    // Until one comes to its end: how many stops there are, differs.
    for stop in (start..=2 * stops).step_by(step) {
        let number = scene.next();
        let (mut passed, mut done) = (0, true);
        let traced = scene.trace(&words(scene, number), Whom::First, |at| {
            passed += 1;
            if passed != stop {
                return Act::Pass;
            }
            done = at.number == libc::SYS_exit_group;
            Act::Kill
        });
        kills += usize::from(traced.is_some_and(|(end, _)| end != End::Code(0)));
        let place = format!("{name}, killed at {stop} of {stops}");
        let found = scene.look(number, &place);
        if let Some(wrong) = judge.wrong(&found) {
            panic!("{place}: {wrong}");
        }
        if step == 1 {
            scene.check_store(&place);
        }
        let is_after = judge.is_after(&found);
        assert!(is_after || !done, "{place}: what was acknowledged is lost");
        if !is_after && operation.again {
            let code = scene.run(&words(scene, number));
            let again = scene.look(number, &place);
            assert_eq!(code, Some(0), "{place}: it cannot be done again");
            assert!(judge.is_after(&again), "{place}: done again: {:?}", judge.wrong(&again));
        }
        if passed < stop {
            break;
        }
    }
    println!("{name}: {kills} kills, one in {step} of {stops}");
    println!("tally\tsweep\t{kills}\t0\t{0}-{0}", seed());
    assert!(kills > 50 / step, "{name}: {kills} kills");
}

/// Each in a test of its own, so that they run beside each other.
fn sweep_every(part: usize) {
    let mut scene = Scene::new();
    for operation in OPERATIONS.iter().skip(part).step_by(2) {
        sweep(&mut scene, operation);
    }
    scene.check_whole("in the end");
}

#[test]
fn programs_killed_anywhere_have_done_it_or_not() {
    sweep_every(0);
}

#[test]
fn further_programs_killed_anywhere_have_done_it_or_not() {
    sweep_every(1);
}
