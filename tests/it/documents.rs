//! What the documents show on a terminal is what happens: each block ```` ```console ```` is played, in a shell that goes on from
//! block to block, beside a copy of the example project.

use std::process::{Command, Stdio};

use vrift_tests::installed::{command, is_real};
use vrift_tests::sandbox::{Sandbox, said};
use vrift_tests::source;

/// A command as it is shown, and what is shown below it.
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// Everything after `$ ` in the blocks of a document. A command goes on where its line ends with `\`.
fn shown(text: &str) -> Vec<Shown> {
    let (mut all, mut inside) = (Vec::<Shown>::new(), false);
    for (number, line) in (1..).zip(text.lines()) {
        match (inside, line) {
            (_, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match (line.strip_prefix("$ "), all.last_mut()) {
                (Some(command), _) => {
                    all.push(Shown { line: number, command: command.to_owned(), output: vec![] });
                }
                (None, Some(last)) if last.command.ends_with('\\') => {
                    last.command = format!("{}\n{line}", last.command);
                }
                (None, Some(last)) => last.output.push(line.to_owned()),
                (None, None) => panic!("line {number}: output of no command"),
            },
            (false, _) => {}
        }
    }
    all
}

/// A line without what is different each time: numbers, digests, and how wide columns are.
fn plain(line: &str) -> String {
    let is_digest = |word: &str| {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        word.len() >= 12 && word.bytes().all(hex)
    };
    let words = line.split_whitespace().map(|word| {
        let core = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let word = if is_digest(core) { word.replace(core, "#") } else { word.to_owned() };
        let mut out = String::new();
        for letter in word.chars() {
            match letter {
                '0'..='9' if out.ends_with('0') => {}
                '0'..='9' => out.push('0'),
                letter => out.push(letter),
            }
        }
        // A size may be of any unit.
        match out.trim_end_matches([',', ')', ';']) {
            "KiB" | "MiB" | "B" => out.replace("KiB", "B").replace("MiB", "B"),
            _ => out.replace("0.0", "0"),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a line is as it is shown; `...` in it stands for anything.
fn is_line(shown: &str, line: &str) -> bool {
    let (shown, line) = (plain(shown), plain(line));
    let mut parts = shown.split("...");
    let Some(mut left) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    for part in parts {
        match left.find(part) {
            _ if part.is_empty() => left = "",
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.is_empty()
}

/// Whether lines are as they are shown; a line `...` stands for any number of them.
fn is_output(shown: &[String], lines: &[&str]) -> bool {
    match (shown, lines) {
        ([], lines) => lines.is_empty(),
        ([first, rest @ ..], _) if first == "..." => {
            (0..=lines.len()).any(|skipped| is_output(rest, &lines[skipped..]))
        }
        ([first, rest @ ..], [line, lines @ ..]) => is_line(first, line) && is_output(rest, lines),
        (_, []) => false,
    }
}

/// Plays what a document shows.
fn play(name: &str) {
    if !is_real() {
        return;
    }
    let root = source::root();
    let text = std::fs::read_to_string(root.join(name)).expect("the document is there");
    let all = shown(&text);
    assert!(all.len() > 5, "{name} shows {} commands", all.len());
    let sandbox = Sandbox::new();
    let home = sandbox.path("home");
    let copied = Command::new("cp").arg("-r").arg(root.join("examples/tally")).arg(&home).status();
    assert!(copied.is_ok_and(|status| status.success()));
    // Between two of these lines is what a command says.
    let mark = "@@@@\n";
    let mut script = format!("cd; exec 2>&1; echo {mark}");
    for Shown { command, .. } in &all {
        script.push_str(&format!("{command}\nprintf '%s\\n' $? {mark}"));
    }
    let mut shell = Command::new("bash");
    shell.arg(sandbox.write("script", script)).stdin(Stdio::null()).env_clear();
    let vrift = command();
    let directory = vrift.parent().expect("it is in a directory");
    shell.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", directory.display()));
    shell.env("HOME", &home).env("TZ", "UTC").env("LANG", "C.UTF-8").env("USER", "me");
    let text = said(&mut shell).text().replace(home.to_str().expect("text"), "/home/me");
    let mut said = text.split(mark).skip(1);
    for Shown { line, command, output } in &all {
        let text = said.next().unwrap_or_default();
        let mut lines: Vec<&str> = text.lines().collect();
        let code = lines.pop().unwrap_or("none");
        assert!(
            code == "0" && is_output(output, &lines),
            "{name}:{line}: `{command}` says, with code {code}:\n{}",
            lines.join("\n")
        );
    }
}

#[test]
fn the_readme_shows_what_happens() {
    play("README.md");
}

#[test]
fn the_guide_shows_what_happens() {
    play("docs/guide.md");
}

#[test]
fn what_is_shown_and_does_not_happen_is_seen() {
    let is = |shown: &[&str], lines: &[&str]| {
        is_output(&shown.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), lines)
    };
    assert!(is(&["a  12 KiB b"], &["a 7.25 MiB   b"]));
    assert!(is(&["w@17 0123456789ab"], &["w@4 ba9876543210"]));
    assert!(!is(&["a 12 KiB b"], &["a 12 KiB c"]));
    assert!(!is(&["a"], &["a", "b"]) && !is(&["a", "b"], &["a"]) && !is(&[], &["a"]));
    assert!(is(&["a", "...", "d"], &["a", "b", "c", "d"]) && is(&["...", "d"], &["d"]));
    assert!(!is(&["a", "...", "d"], &["a", "b"]));
    assert!(is_line("a ... d", "a b c d") && is_line("a...", "abc") && !is_line("a ... d", "a b"));
}
