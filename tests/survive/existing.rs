//! Tests and scripts that there are already, run by their names: each is one that was tested, and one that failed a
//! violation.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use vrift_tests::source;

use crate::tally::Tally;

fn run(command: &mut Command) -> (bool, String) {
    let said = command.current_dir(source::root()).stdin(Stdio::null()).output();
    match said {
        Ok(said) => {
            let both = [&said.stdout[..], &said.stderr[..]].concat();
            (said.status.success(), String::from_utf8_lossy(&both).into_owned())
        }
        Err(error) => (false, error.to_string()),
    }
}

/// Tests of packages: package, target, and the beginning of their names. Built as `cargo test` builds them, in the target
/// directory of whoever started this.
pub fn tests(all: &[(&str, &str, &str)], tally: &mut Tally) {
    for (package, target, filter) in all {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["test", "-p", package, "--test", target, "--", "--show-output", filter]);
        let (well, text) = run(&mut cargo);
        let ended = |end: &str| {
            text.lines().filter(|line| line.starts_with("test ") && line.ends_with(end)).count()
        };
        let skipped = skipped(&text);
        for (name, why) in &skipped {
            tally.left_out(name, why);
        }
        let (passed, failed) = (ended("... ok"), ended("... FAILED"));
        let played = passed.saturating_sub(skipped.len());
        let left_out = skipped.len();
        println!(
            "{package} {target} {filter}: {played} passed, {failed} failed, {left_out} left out"
        );
        tally.tested += (played + failed) as u64;
        // A name that no test has any more would look like success.
        if !well || passed == 0 {
            tally.violated(
                0,
                &format!("cargo test -p {package} --test {target} -- {filter}: {text}"),
                None,
            );
        }
    }
}

/// The tests that have passed because they could try nothing here, and why: they say `skipped: WHY`.
fn skipped(text: &str) -> BTreeMap<&str, &str> {
    let (mut name, mut found) = ("", BTreeMap::new());
    for line in text.lines() {
        if let Some(of) = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" ----")) {
            name = of.strip_suffix(" stdout").unwrap_or(of);
        } else if let Some(why) = line.strip_prefix("skipped: ") {
            found.entry(name).or_insert(why);
        }
    }
    found
}

/// Scripts of `tests/compliance`.
pub fn scripts(names: &[&str], tally: &mut Tally) {
    let (well, text) = run(Command::new("scripts/compliance").args(names));
    let ended = |with: &str| text.lines().filter(|line| line.starts_with(with)).count();
    let (passed, failed) = (ended("ok "), ended("FAIL "));
    println!("scripts/compliance {}: {passed} passed, {failed} failed", names.join(" "));
    tally.tested += (passed + failed) as u64;
    if !well || passed + failed != names.len() {
        tally.violated(0, &format!("scripts/compliance {}: {text}", names.join(" ")), None);
    }
}

/// A store and a live index on disks that are full to the last byte.
pub fn full_disks(tally: &mut Tally) {
    let (well, text) = run(&mut Command::new("scripts/full-disks"));
    println!("scripts/full-disks: {}", text.lines().last().unwrap_or_default());
    let skipped = text.lines().find_map(|line| line.split_once("skipped, "));
    if let Some((_, why)) = skipped {
        tally.left_out("scripts/full-disks", why);
        return;
    }
    tally.tested += 1;
    if !well {
        tally.violated(0, &format!("scripts/full-disks: {text}"), None);
    }
}
