//! The list of libc's names: hooked, or passed with a reason. It is compared with what the library exports and with what
//! libc exports, both ways, so that no spelling is left open by accident.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use vrift_tests::source;

/// The two parts of `docs/hooks.txt`.
struct List {
    hooked: BTreeSet<String>,
    passed: Vec<String>,
}

fn list() -> List {
    let text =
        std::fs::read_to_string(source::root().join("docs/hooks.txt")).expect("the list is there");
    let mut list = List { hooked: BTreeSet::new(), passed: Vec::new() };
    let mut hooked = false;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with("hooked:") || line.starts_with("passed:") {
            hooked = line.starts_with("hooked:");
            assert!(
                line.split_once(':').is_some_and(|(_, why)| why.trim().len() > 10),
                "no reason: {line}"
            );
            continue;
        }
        for name in line.split_whitespace() {
            if hooked {
                assert!(list.hooked.insert(name.to_owned()), "{name} is hooked twice");
            } else {
                list.passed.push(name.to_owned());
            }
        }
    }
    list
}

/// The functions that a library exports.
fn exports(library: &Path) -> BTreeSet<String> {
    let output =
        Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().expect("nm runs");
    assert!(output.status.success(), "nm {}: {output:?}", library.display());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let functions = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (kind, name) = (words.next()?, words.next()?);
        matches!(kind, "T" | "W" | "i").then(|| name.split('@').next().unwrap_or(name).to_owned())
    });
    functions.collect()
}

fn library() -> PathBuf {
    vrift_tests::sandbox::vrift().with_file_name("libvrift_shim.so")
}

fn libc() -> PathBuf {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps can be read");
    let line = maps.lines().find(|line| line.contains("/libc.so")).expect("tests use libc");
    PathBuf::from(line.split_whitespace().last().expect("a line of maps ends with the path"))
}

/// Whether `name` is what `pattern` says, in which `*` stands for any text.
fn matches_pattern(name: &str, pattern: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return name == pattern };
    let Some(rest) = name.strip_prefix(head) else { return false };
    (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches_pattern(&rest[at..], tail))
}

#[test]
fn the_library_exports_what_the_list_says_is_hooked_and_nothing_else() {
    let (list, exported) = (list(), exports(&library()));
    let missing: Vec<_> = list.hooked.difference(&exported).collect();
    // What `vrift run` calls, which is nobody else's name.
    let unlisted: Vec<_> =
        exported.difference(&list.hooked).filter(|name| *name != "vrift_answer").collect();
    assert!(
        missing.is_empty() && unlisted.is_empty(),
        "missing {missing:?}, unlisted {unlisted:?}"
    );
}

#[test]
fn every_function_of_libc_is_hooked_or_passed_with_a_reason() {
    let list = list();
    let undecided: Vec<_> = exports(&libc())
        .into_iter()
        .filter(|name| !list.hooked.contains(name))
        .filter(|name| !list.passed.iter().any(|pattern| matches_pattern(name, pattern)))
        .collect();
    assert!(undecided.is_empty(), "neither hooked nor passed: {undecided:?}");
}

#[test]
fn what_is_hooked_is_a_name_of_libc() {
    let (list, libc) = (list(), exports(&libc()));
    let unknown: Vec<_> = list.hooked.difference(&libc).collect();
    assert!(unknown.is_empty(), "libc has no {unknown:?}");
}

#[test]
fn what_is_hooked_is_hooked_in_every_spelling() {
    let (list, libc) = (list(), exports(&libc()));
    let mut open = Vec::new();
    for name in &list.hooked {
        let plain = name.trim_start_matches('_');
        let spellings = [
            format!("{plain}64"),
            format!("__{plain}_chk"),
            format!("__{plain}_2"),
            plain.to_owned(),
        ];
        for spelling in spellings {
            // Of `__xstat` and the like there is no spelling without the underscores.
            if libc.contains(&spelling) && !list.hooked.contains(&spelling) {
                open.push(spelling);
            }
        }
    }
    assert!(open.is_empty(), "hooked, but not in these spellings: {open:?}");
}
