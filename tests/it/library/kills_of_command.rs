//! kill -9 of the command while it brings into the store what programs have left, and while it folds the journal.
//! Nothing that was written is lost, and the next command finishes it.

use vrift_tests::traced::{Act, End};

use super::one_in;
use super::scene::Scene;

/// Leaves files that are not sealed: one written twice, one new, one of a writer that was killed.
const WRITERS: &str = "cd \"$1\" && echo one >> file && echo two >> file && echo three >> file &&
    echo a > made && echo b >> made && echo c >> made && echo more >> twin && echo more >> twin
    sh -c 'exec 3>> tree/one; echo of the dead >&3; kill -9 $$' || exit 0";

/// Kills `words` everywhere.
fn sweep(words: &[&str]) {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let name = words.join(" ");
    let mut scene = Scene::new();
    let prepare = |scene: &mut Scene| {
        let number = scene.next();
        scene.ok(&["sh", "-c", WRITERS, "sh", &scene.inside(number).to_string_lossy()]);
        (number, scene.look(number, &name))
    };
    let mut stops = 0;
    let (number, before) = prepare(&mut scene);
    let counted = scene.trace_command(&words, |_| {
        stops += 1;
        Act::Pass
    });
    let Some((end, said)) = counted else { return };
    assert_eq!(end, End::Code(0), "{name}: {said}");
    assert!(scene.look(number, &name) == before, "{name}: not killed");
    let made = scene.sandbox.ok(["cat", &format!("w:{number}/made")]);
    assert_eq!(made.text(), "a\nb\nc\n", "{name}: what was left is sealed");

    let (step, mut kills) = (one_in("VRIFT_TEST_SWEEP", 29), 0);
    for stop in (1..=stops).step_by(step) {
        let (number, before) = prepare(&mut scene);
        let mut passed = 0;
        let traced = scene.trace_command(&words, |_| {
            passed += 1;
            if passed == stop { Act::Kill } else { Act::Pass }
        });
        kills += usize::from(traced.is_some_and(|(end, _)| end != End::Code(0)));
        let place = format!("{name}, killed at {stop} of {stops}");
        assert!(scene.look(number, &place) == before, "{place}: what was written is lost");
        if step == 1 {
            scene.check_store(&place);
        }
        // Whoever comes next, finishes it.
        let made = scene.sandbox.ok(["cat", &format!("w:{number}/made")]);
        assert_eq!(made.text(), "a\nb\nc\n", "{place}");
        assert!(scene.look(number, &place) == before, "{place}: finished by another");
    }
    println!("{name}: {kills} kills, one in {step} of {stops}");
    println!("tally\tsweep\t{kills}\t0\t-");
    assert!(kills > 50 / step, "{name}: {kills} kills");
    scene.sandbox.ok(["compact", "w"]);
    scene.check_whole(&name);
}

#[test]
fn the_end_of_a_run_killed_anywhere_loses_nothing_that_programs_left() {
    // Either of its two processes.
    sweep(&["run", "-w", "w", "--", "true"]);
}

#[test]
fn folding_while_files_are_written_killed_anywhere_loses_nothing() {
    sweep(&["compact", "w"]);
}
