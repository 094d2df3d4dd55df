//! Tests and scripts that there are already, run by their names: each is one that was tested, and one that failed a
//! violation.

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

/// Tests of packages: package, target, and the beginning of their names.
pub fn tests(all: &[(&str, &str, &str)], tally: &mut Tally) {
    for (package, target, filter) in all {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["test", "-p", package, "--test", target, "--", filter]);
        let (well, text) = run(&mut cargo);
        let ended = |end: &str| {
            text.lines().filter(|line| line.starts_with("test ") && line.ends_with(end)).count()
        };
        let passed = ended("... ok");
        println!("{package} {target} {filter}: {passed} passed, {} failed", ended("... FAILED"));
        tally.tested += (passed + ended("... FAILED")) as u64;
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

/// Scripts of `tests/compliance`.
pub fn scripts(names: &[&str], tally: &mut Tally) {
    let (well, text) = run(Command::new("scripts/compliance").args(names));
    let passed = text.lines().filter(|line| line.starts_with("ok ")).count();
    println!("scripts/compliance {}: {passed} of {} passed", names.join(" "), names.len());
    tally.tested += names.len() as u64;
    if !well {
        tally.violated(0, &format!("scripts/compliance {}: {text}", names.join(" ")), None);
    }
}

/// A store and a live index on disks that are full to the last byte.
pub fn full_disks(tally: &mut Tally) {
    let (well, text) = run(&mut Command::new("scripts/full-disks"));
    println!("scripts/full-disks: {}", text.lines().last().unwrap_or_default());
    if text.contains("skipped") {
        return;
    }
    tally.tested += 1;
    if !well {
        tally.violated(0, &format!("scripts/full-disks: {text}"), None);
    }
}
