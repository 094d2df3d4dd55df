//! The rules of the source tree that no compiler checks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vrift_tests::source;

/// Fails with one line for each finding.
#[track_caller]
fn none(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

fn is_text(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    matches!(extension, "rs" | "md" | "toml" | "sh" | "py" | "c" | "h" | "txt" | "")
}

#[test]
fn sources_are_ascii() {
    let mut findings = Vec::new();
    for path in source::files().into_iter().filter(|path| is_text(path)) {
        let bytes = std::fs::read(source::root().join(&path)).unwrap();
        for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            if !line.is_ascii() {
                findings.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    none(&findings);
}

#[test]
fn no_rust_file_is_over_500_lines() {
    let long = |text: &String| text.lines().count() > 500;
    let rust = source::rust();
    let findings: Vec<_> = rust
        .iter()
        .filter(|(_, text)| long(text))
        .map(|(path, _)| path.display().to_string())
        .collect();
    none(&findings);
}

/// Shared memory, what the preloaded library needs of its process, the C boundary, the call of that library, and the fork of a run.
const UNSAFE_ROOMS: [&str; 5] = [
    "vrift-manifest/src/shm",
    "vrift-shim/src/sys",
    "vrift-shim/src/abi",
    "vrift-cli/src/run/host.rs",
    "vrift-cli/src/run/parting.rs",
];

#[test]
fn unsafe_code_is_only_in_its_rooms_and_each_has_its_reason() {
    let mut findings = Vec::new();
    for (path, text) in source::rust() {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = source::code(line);
            let mut words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            if !words.any(|word| word == "unsafe") {
                continue;
            }
            if !UNSAFE_ROOMS.iter().any(|room| path.starts_with(room)) {
                findings.push(format!(
                    "{}:{}: unsafe is not for this place",
                    path.display(),
                    number + 1
                ));
            }
            let before = &lines[number.saturating_sub(12)..=number];
            if !before.iter().any(|line| line.contains("SAFETY") || line.contains("# Safety")) {
                findings.push(format!("{}:{}: no SAFETY reason", path.display(), number + 1));
            }
        }
    }
    none(&findings);
}

#[test]
fn every_source_file_is_part_of_a_crate() {
    let rust = source::rust();
    let text =
        |path: &Path| rust.iter().find(|(known, _)| known == path).map(|(_, text)| text.as_str());
    let mut findings = Vec::new();
    for (path, _) in &rust {
        let (Some(directory), Some(stem)) =
            (path.parent(), path.file_stem().and_then(|stem| stem.to_str()))
        else {
            continue;
        };
        let target = ["tests", "benches", "examples", "bin", "fuzz_targets"];
        if matches!(stem, "main" | "lib" | "build")
            || target.iter().any(|name| directory.ends_with(name))
        {
            continue;
        }
        // A module `a/b.rs` is declared in `a/mod.rs`, `a.rs`, `a/lib.rs` or `a/main.rs`.
        let (directory, stem) = match (stem, directory.file_name().and_then(|name| name.to_str())) {
            ("mod", Some(name)) => (directory.parent().unwrap_or(directory), name),
            _ => (directory, stem),
        };
        let homes: [PathBuf; 4] = [
            directory.join("mod.rs"),
            directory.with_extension("rs"),
            directory.join("lib.rs"),
            directory.join("main.rs"),
        ];
        let declaration = format!("mod {stem};");
        let declares = |home: &PathBuf| {
            text(home).is_some_and(|text| {
                text.lines().any(|line| {
                    line.trim_start_matches("pub ").trim_start_matches("pub(crate) ") == declaration
                })
            })
        };
        if !homes.iter().any(declares) {
            findings.push(format!("{}: no module declares it", path.display()));
        }
    }
    none(&findings);
}

/// The crates of ours that `package` may depend on.
fn allowed(package: &str) -> Option<&'static [&'static str]> {
    Some(match package {
        "vrift-cas" => &[],
        "vrift-manifest" => &["vrift-cas"],
        "vrift-cli" | "vrift-shim" => &["vrift-cas", "vrift-manifest"],
        _ => return None,
    })
}

#[test]
fn dependencies_between_our_crates_point_one_way() {
    let ours: BTreeSet<&str> = ["vrift-cas", "vrift-manifest", "vrift-cli", "vrift-shim"].into();
    let mut findings = Vec::new();
    for path in source::files() {
        let Some(package) = path.iter().next().and_then(|first| first.to_str()) else { continue };
        let Some(allowed) = allowed(package) else { continue };
        if path != Path::new(package).join("Cargo.toml")
            && path.extension().is_none_or(|e| e != "rs")
        {
            continue;
        }
        for (number, line) in source::text(&path).lines().enumerate() {
            let code = source::code(line);
            for name in ours.iter().filter(|name| **name != package && !allowed.contains(name)) {
                if code.contains(&name.replace('-', "_")) || code.trim_start().starts_with(name) {
                    findings.push(format!("{}:{}: names {name}", path.display(), number + 1));
                }
            }
        }
    }
    none(&findings);
}

#[test]
fn what_stands_behind_each_promise_of_durability_is_there() {
    let text = std::fs::read_to_string(source::root().join("docs/durability.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.contains("behind it"));
    let (mut findings, mut seen) = (Vec::new(), 0);
    for row in rows {
        // The promise is left of the last cell, and what is between backquotes in that one is a file, and then a test in it.
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let named: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        let file = named.first().copied().unwrap_or_default();
        let Ok(source) = std::fs::read_to_string(source::root().join(file)) else {
            findings.push(format!("{row}: there is no file '{file}'"));
            continue;
        };
        seen += 1;
        if let Some(test) = named.get(1)
            && !source.contains(&format!("fn {test}()"))
        {
            findings.push(format!("{row}: there is no test '{test}'"));
        }
    }
    none(&findings);
    assert!(seen > 20, "{seen} promises");
}

/// The commits that kept runs name: in the second column of tables, and behind the word in sentences.
fn commits_of_runs() -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for path in source::files().into_iter().filter(|path| path.starts_with("benches/runs")) {
        let text = source::text(&path);
        if path.extension().is_some_and(|extension| extension == "tsv") {
            let second = |line: &str| line.split('\t').nth(1).map(str::to_owned);
            named.extend(text.lines().filter_map(second));
        }
        let behind = text.split("ommit ").skip(1);
        let words = behind.filter_map(|rest| rest.split([';', '.', ',', ' ']).next());
        let is_number =
            |word: &&str| word.len() >= 7 && word.bytes().all(|one| one.is_ascii_hexdigit());
        named.extend(words.filter(is_number).map(str::to_owned));
    }
    named
}

/// What git says of this repository, if it has something to say.
fn git(words: &[&str]) -> Option<String> {
    let mut command = std::process::Command::new("git");
    let said = command.args(words).current_dir(source::root()).output().ok()?;
    said.status.success().then(|| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

#[test]
fn each_commit_that_a_kept_run_names_is_one() {
    let named = commits_of_runs();
    assert!(named.len() > 3, "{named:?}");
    // A copy without history, or with the end of it alone, does not know.
    if git(&["rev-parse", "--is-shallow-repository"]).as_deref() != Some("false") {
        return;
    }
    let is_one = |name: &&String| git(&["cat-file", "-e", &format!("{name}^{{commit}}")]).is_some();
    let findings: Vec<String> = named.iter().filter(|name| !is_one(name)).cloned().collect();
    none(&findings);
}
