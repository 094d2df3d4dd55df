//! Edits by chance on both sides, then sync and apply in an order by chance. A plain model says what has to come of each
//! path: what only one side has changed comes to the other, what both have changed alike stays, and what both have
//! changed is named and stays on both. Other seeds: `VRIFT_TEST_SEED`, more of them: `VRIFT_TEST_CASES`.

use std::collections::BTreeSet;

use vrift_tests::sandbox::Sandbox;

use super::picture::{Entry, Picture, of_workspace, picture};
use super::{inside, outside, settle};

/// Numbers by chance, the same ones for one seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn path(&mut self) -> String {
        let mut path = self.of(&["a", "b", "c", "d", "e"]).to_owned();
        for _ in 0..self.below(3) {
            path = format!("{path}/{}", self.of(&["a", "b", "c", "d"]));
        }
        path
    }

    /// A line of a script that changes something, or fails.
    fn edit(&mut self, side: &str, number: usize) -> String {
        let (one, other) = (self.path(), self.path());
        // Few contents, so that both sides sometimes write the same.
        let text = if self.below(3) == 0 { "same".to_owned() } else { format!("{side} {number}") };
        let line = match self.below(16) {
            0..=3 => format!("echo {text} > {one}"),
            4 => format!("echo {text} >> {one}"),
            5 => format!("rm -rf {one}"),
            6 => format!("rm -f {one}"),
            7..=8 => format!("mkdir -p {one}"),
            9 => format!("mv -fT {one} {other}"),
            10 => format!("ln -sfn {other} {one}"),
            // It may be a directory, which others than root have to look into.
            11 => format!("chmod {} {one}", self.of(&["700", "744", "755"])),
            12 => format!("touch -c -h -d @{} {one}", 1_000_000_000 + self.below(3)),
            13 => format!("rm -rf {one}; mkdir -p {one}; echo {text} > {one}/new"),
            14 => format!("ln -f {one} {other}"),
            _ => format!("cp -a {one} {other}"),
        };
        format!("{{ {line}; }} 2>/dev/null || true\n")
    }

    fn edits(&mut self, side: &str) -> String {
        let number = 1 + self.below(12);
        (0..number).map(|number| self.edit(side, number)).collect()
    }
}

/// What a step has to make of `into`, when what changed in `from` comes to it.
struct Model<'m> {
    base: &'m Picture,
    from: &'m Picture,
    into: &'m Picture,
    conflicts: &'m BTreeSet<String>,
}

impl Model<'_> {
    fn is_in_conflict(&self, path: &str) -> bool {
        let mut above = Some(path);
        while let Some(path) = above {
            if self.conflicts.contains(path) {
                return true;
            }
            above = path.rsplit_once('/').map(|(above, _)| above);
        }
        false
    }

    /// What is to be at a path afterwards, but for times.
    fn expected(&self, path: &str) -> Option<Entry> {
        let of = |picture: &Picture| picture.get(path).map(Entry::substance);
        let (base, from, into) = (of(self.base), of(self.from), of(self.into));
        if self.is_in_conflict(path) || from == into || from == base {
            return into;
        }
        assert_eq!(into, base, "{path}: both have changed it, and it is not named");
        from
    }

    fn check(&self, after: &Picture, place: &str) {
        let paths: BTreeSet<&String> = self
            .base
            .keys()
            .chain(self.from.keys())
            .chain(self.into.keys())
            .chain(after.keys())
            .collect();
        for path in paths {
            let found = after.get(path).map(Entry::substance);
            assert_eq!(found, self.expected(path), "{place}: {path}");
        }
        for path in self.conflicts {
            let below = |picture: &Picture| {
                let inside = format!("{path}/");
                let is_there = |name: &&String| *name == path || name.starts_with(&inside);
                let names: Vec<_> = picture.keys().filter(is_there).cloned().collect();
                names
                    .into_iter()
                    .map(|name| (picture[&name].mode, picture[&name].clone().substance(), name))
                    .collect::<Vec<_>>()
            };
            assert_ne!(below(self.from), below(self.into), "{place}: {path} is no conflict");
        }
    }
}

/// What both have in common, and otherwise what they had.
fn agreed(base: &Picture, one: &Picture, other: &Picture) -> Picture {
    let paths: BTreeSet<&String> = base.keys().chain(one.keys()).chain(other.keys()).collect();
    let mut found = Picture::new();
    for path in paths {
        let of = |picture: &Picture| picture.get(path).map(Entry::substance);
        let entry = if of(one) == of(other) { one.get(path) } else { base.get(path) };
        if let Some(entry) = entry {
            found.insert(path.clone(), entry.clone());
        }
    }
    found
}

fn conflicts_of(json: &serde_json::Value) -> BTreeSet<String> {
    let list = json["conflicts"].as_array().expect("a list");
    list.iter().map(|one| one["path"].as_str().expect("a path").to_owned()).collect()
}

fn case(seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let sandbox = Sandbox::new();
    let project = sandbox.path("project");
    sandbox.write("project/a/b/c", "deep");
    sandbox.write("project/b", "b");
    let start = chance.edits("start") + &chance.edits("start") + &chance.edits("start");
    outside(&sandbox, &start);
    settle();
    sandbox.ok(["ingest", "project", "--name", "w"]);
    let mut base = picture(&project);
    for round in 0..4 {
        let (ours, theirs) = (chance.edits("ours"), chance.edits("theirs"));
        let place = format!("seed {seed}, round {round}\nours:\n{ours}theirs:\n{theirs}");
        inside(&sandbox, &ours);
        outside(&sandbox, &theirs);
        let mut steps = vec!["sync", "apply"];
        if chance.below(2) == 0 {
            steps.reverse();
        }
        let (mut all, mut named) = (Vec::new(), BTreeSet::new());
        for step in steps {
            let place = format!("{place}{step}");
            let (workspace, real) = (of_workspace(&sandbox), picture(&project));
            let said = sandbox.run([step, "w", "--json"]);
            let json = said.json();
            let conflicts = conflicts_of(&json);
            assert_eq!(json["problems"].as_array().map(Vec::len), Some(0), "{place}: {}", said.err);
            assert_eq!(said.code, Some(i32::from(!conflicts.is_empty())), "{place}: {}", said.err);
            let (now, on_disk) = (of_workspace(&sandbox), picture(&project));
            let (from, into, still, after) = match step {
                "sync" => (&real, &workspace, (&real, &on_disk), &now),
                _ => (&workspace, &real, (&workspace, &now), &on_disk),
            };
            assert_eq!(still.0, still.1, "{place}: the side that it comes from is as it was");
            let conflicts_of_step = &conflicts;
            let model = Model { base: &base, from, into, conflicts: conflicts_of_step };
            model.check(after, &place);
            base = agreed(&base, &now, &on_disk);
            all.push((now, on_disk));
            named.extend(conflicts);
        }
        let (now, on_disk) = all.pop().expect("two steps");
        if named.is_empty() {
            assert_eq!(now, on_disk, "{place}: without conflicts both are the same, times too");
            assert_eq!(sandbox.ok(["status", "w"]).text(), "", "{place}");
        } else if chance.below(2) == 0 {
            let step = if chance.below(2) == 0 { "sync" } else { "apply" };
            sandbox.ok([step, "w", "--force"]);
            let other = if step == "sync" { "apply" } else { "sync" };
            sandbox.ok([other, "w"]);
            base = picture(&project);
            assert_eq!(of_workspace(&sandbox), base, "{place}: {step} by force");
        }
    }
    sandbox.ok(["fsck"]);
}

#[test]
fn edits_by_chance_on_both_sides_are_never_lost() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("VRIFT_TEST_SEED").unwrap_or(1);
    for seed in first..first + number("VRIFT_TEST_CASES").unwrap_or(6) {
        case(seed);
    }
}
