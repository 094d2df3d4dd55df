//! kill -9 of the command: while it brings into the store what programs have left, and at each system call of the commands
//! that work on a whole store. Nothing that was written is lost, and the next command finishes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::libc;
use serde_json::Value;
use vrift_tests::damage::{blob_of, change};
use vrift_tests::fixture::{Fixture, open_segment};
use vrift_tests::installed::{command, run_in};
use vrift_tests::sandbox::{Said, Sandbox, said};
use vrift_tests::traced::{Act, End, Stop, Traced, Whom, trace};

use super::picture::{Picture, picture};
use super::scene::Scene;
use super::{one_in, seed};

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
    // Until one comes to its end: how many stops there are, differs.
    for stop in (1 + seed() % step..=2 * stops).step_by(step) {
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
        if passed < stop {
            break;
        }
    }
    println!("{name}: {kills} kills, one in {step} of {stops}");
    println!("tally\tsweep\t{kills}\t0\t{0}-{0}", seed());
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

/// A store with workspaces that have a history, and things that nobody needs any more; put aside, so that every kill finds it
/// as it was.
struct Whole {
    sandbox: Sandbox,
}

/// `new` is not there at first. Contents in `waste` are moved to the trash by the next collection, those in `trash` go with it.
const PLANTED: &str = r#"
    mkdir -p project/sub/deep elsewhere/sub fresh/sub waste trash out/sub
    for i in 1 2 3 4 5 6 7 8; do
        seq $i 400 >project/$i; seq $i 300 >project/sub/deep/$i; seq $i 200 >elsewhere/sub/$i
        seq $i 100 >fresh/sub/$i; seq $i 50 >waste/$i; seq $i 40 >trash/$i
    done
    echo is left alone >out/of-nobody; echo older >out/1; echo older >out/sub/deep
    ln -s 1 project/link; ln project/2 project/twin
    find . -depth -exec touch -h -d @1000000000 {} +
    "$V" ingest project --name w; "$V" ingest elsewhere --name other
    in_w() { (cd project && "$V" run -w w -- sh -ec "$1"); }
    in_w 'echo made >made; rm 3; echo changed >>4'
    "$V" snapshot w s
    in_w 'echo more >>made; mkdir further; echo f >further/f; mv 5 further; rm 6; chmod 600 7'
    (cd elsewhere && "$V" run -w other -- sh -ec 'for i in 1 2 3 4 5 6; do echo $i >new-$i; done')
    for gone in trash waste; do
        "$V" ingest $gone --name $gone; "$V" drop $gone
        [ $gone = waste ] || "$V" gc --grace 0s
    done
    mkdir aside; cp -a store project elsewhere fresh out aside
"#;

/// What is shown of the places of a store, each entry with what it is and what is in it; and the directory beside it.
#[derive(Debug, PartialEq, Eq)]
struct Looks {
    /// `None`: there is none, or it is damaged, and the command says so.
    places: BTreeMap<&'static str, Option<Vec<String>>>,
    out: Picture,
}

impl Looks {
    /// Each place is as before or as after; `done`: as after.
    #[track_caller]
    fn judge(&self, before: &Looks, after: &Looks, done: bool, at: &str) {
        for (place, found) in &self.places {
            let (old, new) = (&before.places[place], &after.places[place]);
            assert!(
                found == new || !done,
                "{at}: acknowledged, and {place} is {found:?} instead of {new:?}"
            );
            assert!(found == new || found == old, "{at}: {place} is {found:?}");
        }
        let out = super::picture::without(&self.out, &[".vrift-export-"]);
        assert!(!done || out == after.out, "{at}: acknowledged, and there is {out:?}");
        // A directory gets its permission when all is in it, and what is new is written under its name.
        let content = |side: &Picture, name: &str| side.get(name).map(|one| one.content.clone());
        let kind = |side: &Picture, name: &str| side.get(name).map(|one| one.mode & 0o170000);
        for name in out.keys().chain(before.out.keys()).filter(|name| !name.is_empty()) {
            let found = content(&out, name);
            let (old, new) = (content(&before.out, name), content(&after.out, name));
            let begun = match (&found, &old, &new) {
                (Some(found), None, Some(new)) => new.starts_with(found),
                // No call puts a directory in a file's place.
                (None, Some(_), Some(_)) => kind(&before.out, name) != kind(&after.out, name),
                _ => false,
            };
            assert!(
                found == old || found == new || begun,
                "{at}: {name} beside the store is {found:?}"
            );
        }
    }
}

/// A command that is killed.
struct Task {
    words: &'static [&'static str],
    /// How it is done once more.
    again: &'static [&'static str],
    /// What is done to the store before.
    arrange: fn(&Whole),
    /// The places that it changes.
    changes: &'static [&'static str],
    /// Whether the store is sound at every moment.
    sound: bool,
}

const PLAIN: Task = Task { words: &[], again: &[], arrange: |_| {}, changes: &[], sound: true };

/// What stands in the place of what was lost.
const DAMAGE: &[u8; 24] = b"this is what a bad disk ";

impl Whole {
    fn new() -> Whole {
        let whole = Whole { sandbox: Sandbox::new() };
        whole.shell(PLANTED);
        whole
    }

    #[track_caller]
    fn shell(&self, script: &str) {
        let template = run_in(&self.sandbox, ".", [""; 0]);
        let mut shell = Command::new("sh");
        shell.args(["-ec", script]).current_dir(self.sandbox.path(".")).env("V", command());
        for (name, value) in template.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let said = said(&mut shell);
        assert_eq!(said.code, Some(0), "{script}: {}{}", said.text(), said.err);
    }

    /// Everything as it was, with a live index for those who find one.
    fn restore(&self, task: &Task) {
        self.shell("rm -rf store project elsewhere fresh out home; mkdir home; cp -a aside/. .");
        self.run(&["ls", "w"]);
        (task.arrange)(self);
    }

    fn run(&self, words: &[&str]) -> Said {
        said(&mut run_in(&self.sandbox, ".", words))
    }

    #[track_caller]
    fn ok(&self, words: &[&str], at: &str) {
        let said = self.run(words);
        assert_eq!(said.code, Some(0), "{at}: {words:?}: {}{}", said.text(), said.err);
    }

    fn trace(&self, words: &[&str], each: impl FnMut(&Stop) -> Act) -> Traced {
        let (home, store) = (self.sandbox.path("home"), self.sandbox.path("store"));
        let environment: [(&str, &Path); 3] =
            [("VRIFT_HOME", &store), ("HOME", &home), ("XDG_RUNTIME_DIR", &home)];
        let mut all = vec![command().display().to_string()];
        // It runs in `home`.
        all.extend(words.iter().map(|word| match *word {
            "fresh" | "elsewhere" | "out" => self.sandbox.path(word).display().to_string(),
            word => word.to_owned(),
        }));
        trace(&all, &environment, &home, Whom::All, each)
    }

    fn look(&self) -> Looks {
        let listed = |place: &'static str| {
            let said = self.run(&["ls", "-lAR", "--json", "--verify", place]);
            assert!(matches!(said.code, Some(0 | 1)), "{place}: {said:?}");
            assert!(said.code == Some(0) || !said.err.is_empty(), "{place}: {said:?}");
            let entries: Vec<Value> = serde_json::from_slice(&said.out).unwrap_or_default();
            let text = |entry: &Value| {
                let is_directory = entry["type"] == "directory";
                let time = if is_directory { &Value::Null } else { &entry["mtime"] };
                let names = ["path", "type", "mode", "nlink", "size", "digest", "target"];
                let told = names.map(|name| format!("{name} {}", entry[name]));
                format!("{} {time}", told.join(" "))
            };
            let shown = entries.iter().map(text).collect::<Vec<_>>();
            (place, (said.code == Some(0)).then_some(shown))
        };
        let places = ["w", "w@s", "other", "new"].map(listed).into();
        Looks { places, out: picture(&self.sandbox.path("out")) }
    }

    /// Contents, when all is gone that nobody needs.
    fn contents(&self, at: &str) -> BTreeSet<PathBuf> {
        for _ in 0..2 {
            self.ok(&["gc", "--grace", "0s"], at);
        }
        let of_contents = |path: &PathBuf| {
            path.starts_with(self.sandbox.path("store/blobs"))
                || path.starts_with(self.sandbox.path("store/trash"))
        };
        self.sandbox.store_names().into_iter().filter(of_contents).collect()
    }
}

/// Kills a command everywhere.
fn sweep_whole(task: &Task) {
    let whole = Whole::new();
    let name = task.words.join(" ");
    whole.restore(task);
    let before = whole.look();
    let mut stops = 0;
    let counted = whole.trace(task.words, |_| {
        stops += 1;
        Act::Pass
    });
    let Some((end, told)) = counted else { return };
    assert_eq!(end, End::Code(0), "{name}: {told}");
    whole.ok(&["fsck"], &name);
    let after = whole.look();
    let changed = after.places.iter().filter(|(place, found)| before.places[*place] != **found);
    let changed: Vec<&str> = changed.map(|(place, _)| *place).collect();
    assert_eq!(changed, task.changes, "{name}: the places that it has changed");
    let shown = ["w", "w@s", "other"].map(|place| after.places[place].is_some());
    assert_eq!(shown, [true; 3], "{name}: {after:?}");
    let contents = whole.contents(&name);

    let (step, mut kills) = (one_in("VRIFT_TEST_SWEEP", 97), 0);
    // Until one comes to its end: who finds no index of what is changed stops more often than the first one, who did.
    for stop in (1 + seed() % step..=2 * stops).step_by(step) {
        whole.restore(task);
        let (mut passed, mut done) = (0, false);
        let traced = whole.trace(task.words, |at| {
            passed += 1;
            if passed != stop {
                return Act::Pass;
            }
            done = at.number == libc::SYS_exit_group;
            Act::Kill
        });
        let Some((end, text)) = traced else { return };
        kills += usize::from(end != End::Code(0));
        // Who has read its last line, counts on it.
        done |= end == End::Code(0) || text.lines().count() >= told.lines().count();
        let at = format!("{name}, killed at {stop} of {stops}");
        if task.sound || done {
            whole.ok(&["fsck"], &at);
        }
        whole.look().judge(&before, &after, done, &at);
        whole.ok(task.again, &format!("{at}, again"));
        whole.look().judge(&after, &after, true, &format!("{at}, again"));
        whole.ok(&["fsck"], &format!("{at}, again"));
        if !task.sound {
            let paths = whole.sandbox.store_names();
            let keeps = |path: &PathBuf| {
                fs::read(path).is_ok_and(|bytes| bytes.windows(24).any(|part| part == DAMAGE))
            };
            assert!(paths.iter().any(keeps), "{at}: what was damaged is deleted");
        }
        assert_eq!(whole.contents(&at), contents, "{at}: contents, when all others are collected");
        if passed < stop {
            break;
        }
    }
    println!("{name}: {kills} kills, one in {step} of {stops}");
    println!("tally\tsweep\t{kills}\t0\t{0}-{0}", seed());
    assert!(kills > 50 / step, "{name}: {kills} kills");
}

#[test]
fn an_ingest_killed_anywhere_makes_a_workspace_or_none() {
    let words = &["ingest", "fresh", "--name", "new"];
    sweep_whole(&Task { words, again: words, changes: &["new"], ..PLAIN });
}

#[test]
fn an_ingest_of_what_has_changed_killed_anywhere_happens_or_not() {
    let words = &["ingest", "elsewhere", "--name", "other", "--force"];
    let arrange = |whole: &Whole| {
        whole.shell(
            "cd elsewhere; rm sub/1; echo other >sub/2; mkdir more; seq 70 >more/3; mv sub/4 more
            find . -depth -exec touch -h -d @1100000000 {} +",
        );
    };
    sweep_whole(&Task { words, again: words, arrange, changes: &["other"], ..PLAIN });
}

#[test]
fn an_ingest_of_what_has_changed_killed_anywhere_is_done_again_without_force() {
    let words = &["ingest", "fresh", "--name", "new", "--exclude", "*.o"];
    let arrange = |whole: &Whole| {
        whole.shell(
            "\"$V\" ingest fresh --name new; cd fresh; rm sub/1; echo other >sub/2; echo of an object >sub/3.o
            find . -depth -exec touch -h -d @1100000000 {} +",
        );
    };
    sweep_whole(&Task { words, again: words, arrange, changes: &["new"], ..PLAIN });
}

#[test]
fn a_collection_killed_anywhere_takes_nothing_that_is_needed() {
    let words = &["gc", "--grace", "0s"];
    sweep_whole(&Task { words, again: words, ..PLAIN });
}

#[test]
fn an_export_killed_anywhere_can_be_finished() {
    let again = &["export", "--force", "w", "out"];
    // What a killed one has left is in the way of one that replaces nothing.
    let arrange = |whole: &Whole| whole.shell("rm -r out; mkdir out");
    sweep_whole(&Task { words: &["export", "w", "out"], again, arrange, ..PLAIN });
}

#[test]
fn an_export_over_what_is_there_killed_anywhere_has_each_file_as_it_was_or_is_to_be() {
    let words = &["export", "--force", "w", "out"];
    sweep_whole(&Task { words, again: words, ..PLAIN });
}

#[test]
fn a_reset_killed_anywhere_happens_or_not() {
    let words = &["reset", "w", "w@s"];
    sweep_whole(&Task { words, again: words, changes: &["w"], ..PLAIN });
}

#[test]
fn a_folding_killed_anywhere_changes_nothing_that_is_shown() {
    let words = &["compact", "w"];
    sweep_whole(&Task { words, again: words, ..PLAIN });
}

#[test]
fn a_folding_that_forgets_killed_anywhere_changes_nothing_that_is_shown() {
    let words = &["compact", "--forget", "w"];
    sweep_whole(&Task { words, again: words, ..PLAIN });
}

#[test]
fn a_repair_of_contents_killed_anywhere_is_finished_by_the_next_one() {
    let words = &["fsck", "--repair"];
    let arrange = |whole: &Whole| {
        let content = fs::read(whole.sandbox.path("project/1")).expect("it is there");
        let blob = blob_of(&whole.sandbox, &content);
        change(&blob, |bytes| bytes[..24].copy_from_slice(DAMAGE));
    };
    sweep_whole(&Task { words, again: words, arrange, sound: false, ..PLAIN });
}

#[test]
fn a_repair_of_a_journal_killed_anywhere_is_finished_by_the_next_one() {
    let words = &["fsck", "--repair"];
    let arrange = |whole: &Whole| {
        // Somebody of this machine has looked at it since it was copied, so that what cannot be read was not torn.
        whole.run(&["ls", "other"]);
        let segment = open_segment(&Fixture::of(&whole.sandbox).open("other"));
        // In any of the records of some files that were made, written and sealed.
        let at = 560 + seed() % 60 * 8;
        change(&segment, |bytes| bytes[at..at + 24].copy_from_slice(DAMAGE));
        whole.shell("rm -rf home/*");
    };
    sweep_whole(&Task { words, again: words, arrange, changes: &["other"], sound: false });
}
