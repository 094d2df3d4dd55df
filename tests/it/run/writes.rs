//! What a command writes ends in the workspace. These need the real library.

use std::time::{Duration, Instant};

use vrift_tests::installed::{is_real, run, run_in, sandbox};
use vrift_tests::sandbox::Sandbox;
use vrift_tests::terminal::Terminal;

/// Runs a shell script, which has to succeed.
#[track_caller]
fn shell(sandbox: &Sandbox, script: &str) -> String {
    let said = run(sandbox, ["sh", "-c", script]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.text());
    said.text()
}

/// The files of the workspace that are not content yet.
fn drafts(sandbox: &Sandbox) -> usize {
    std::fs::read_dir(sandbox.path("store/workspaces/w/drafts")).map_or(0, Iterator::count)
}

#[test]
fn what_was_written_is_content_and_the_real_directory_is_untouched() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    let script =
        "echo new > new; echo more >> file; mkdir made; mv sub made/; cat file; ls made/sub";
    assert_eq!(shell(&sandbox, script), "content\nmore\nbelow\n");
    assert_eq!(
        sandbox.ok(["cat", "w:new", "w:file", "w:made/sub/below"]).text(),
        "new\ncontent\nmore\nbelow\n"
    );
    assert_eq!(std::fs::read(sandbox.path("project/file")).expect("real"), b"content\n");
    assert!(!sandbox.path("project/new").exists() && sandbox.path("project/sub").exists());
    assert_eq!(drafts(&sandbox), 0);
}

#[test]
fn the_command_that_wrote_a_file_is_named() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    shell(&sandbox, "cp file copy; cd sub; echo x > here");
    let blame = sandbox.ok(["blame", "--json", "w:copy", "w:sub/here"]).json();
    assert_eq!(blame[0]["process"]["arguments"], serde_json::json!(["cp", "file", "copy"]));
    assert_eq!(blame[1]["process"]["arguments"][0], "sh");
}

#[test]
fn what_nobody_closed_is_sealed_at_the_end() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    shell(&sandbox, "exec 3> left-open; echo kept >&3; exec 3>&- 4>> file; echo more >&4");
    assert_eq!(sandbox.ok(["cat", "w:left-open", "w:file"]).text(), "kept\ncontent\nmore\n");
    assert_eq!(drafts(&sandbox), 0);
    let killed = run(&sandbox, ["sh", "-c", "exec 3> file; echo last >&3; kill -KILL $$"]);
    assert_eq!(killed.code, Some(137), "{}", killed.err);
    assert_eq!(sandbox.ok(["cat", "w:file"]).text(), "last\n");
    let blame = sandbox.ok(["blame", "--json", "w:file"]).json();
    assert_eq!(blame[0]["process"]["arguments"][0], "sh", "not who sealed it");
}

#[test]
fn a_child_that_still_writes_is_waited_for() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    shell(&sandbox, "(sleep 0.5; echo late) > out &");
    assert_eq!(sandbox.ok(["cat", "w:out"]).text(), "late\n");
}

#[test]
fn a_daemon_that_still_writes_is_named_with_its_file_and_loses_nothing() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    let script = "setsid sh -c 'echo one; sleep 2; echo two' > log 2>&1 & sleep 0.2";
    let words = ["run", "-w", "w", "--", "sh", "-c", script];
    let begun = Instant::now();
    let (code, shown) = Terminal::start(&run_in(&sandbox, ".", words)).end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("still being written: log"), "{shown}");
    assert!(shown.contains("left running: sh["), "{shown}");
    let (most, mut seen) = (Duration::from_secs(20), String::new());
    while !seen.contains("two") && begun.elapsed() < most {
        std::thread::sleep(Duration::from_millis(50));
        seen = sandbox.ok(["cat", "w:log"]).text();
    }
    assert_eq!(seen, "one\ntwo\n");
}

#[test]
fn programs_in_the_tree_are_found_by_path_and_in_path() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    let make = "mkdir bin; printf '#!/bin/sh\\necho \"tool $1\"\\nexit 6\\n' > bin/tool; chmod +x bin/tool; echo > bin/plain";
    shell(&sandbox, make);
    for tool in ["./bin/tool", "bin/tool"] {
        let said = run(&sandbox, [tool, "a b"]);
        assert_eq!((said.code, said.text().as_str()), (Some(6), "tool a b\n"), "{}", said.err);
    }
    let absolute = sandbox.path("project/bin/tool");
    assert_eq!(run(&sandbox, [absolute.as_os_str()]).code, Some(6));
    let path = format!("{}:/usr/bin:/bin", sandbox.path("project/bin").display());
    let mut command = run_in(&sandbox, ".", ["run", "-w", "w", "--", "tool", "x"]);
    let said = vrift_tests::sandbox::said(command.env("PATH", path));
    assert_eq!((said.code, said.text().as_str()), (Some(6), "tool x\n"), "{}", said.err);
    assert_eq!(run(&sandbox, ["bin/nothing"]).code, Some(127));
    assert_eq!(run(&sandbox, ["bin/plain"]).code, Some(126));
}

#[test]
fn the_closing_line_counts_what_was_written() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    let script = "printf 0123456789 > ten; printf 0123456789 > again; cat file > copy";
    let words = ["run", "-w", "w", "--", "sh", "-c", script];
    let (code, shown) = Terminal::start(&run_in(&sandbox, ".", words)).end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("vrift: w: 3 files written, 10 B new, "), "{shown}");
}

#[test]
fn a_workspace_that_is_dropped_meanwhile_is_no_success() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    let script = "exec 3> new; echo lost >&3; $V drop w > /dev/null; exit 0";
    let mut command = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", script]);
    let said = vrift_tests::sandbox::said(command.env("V", vrift_tests::sandbox::vrift()));
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("there is no workspace 'w'"), "{}", said.err);
}

#[test]
fn a_run_within_a_run_is_in_its_own_workspace() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    sandbox.ok(["fork", "w", "f"]);
    let script = "echo outer > which; $V run -w f -- sh -c 'cat file; echo inner > which; exit 3'; \
        echo $?; cat which; cd sub; $V run -- cat below";
    let mut command = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", script]);
    let said = vrift_tests::sandbox::said(command.env("V", vrift_tests::installed::command()));
    assert_eq!(said.text(), "content\n3\nouter\nbelow\n", "{}", said.err);
    assert_eq!(sandbox.ok(["cat", "w:which", "f:which"]).text(), "outer\ninner\n");
}

#[test]
fn blame_names_the_parents() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    let inner = sandbox.write("inner", "cp file copy\n: last\n");
    shell(&sandbox, &format!("sh {}\n: last", inner.display()));
    let blame = sandbox.ok(["blame", "--json", "w:copy"]).json();
    assert_eq!(blame[0]["process"]["arguments"][0], "cp");
    let parents = blame[0]["parents"].as_array().expect("an array");
    let words: Vec<_> = parents.iter().map(|parent| &parent["arguments"][1]).collect();
    assert_eq!(words, [&serde_json::json!(inner.to_str().expect("text")), &"-c".into()]);
    let directory = sandbox.path("project");
    assert_eq!(blame[0]["process"]["directory"], directory.to_str().expect("text"));
}

/// A program that ends with 0 and needs no loader.
#[cfg(target_arch = "x86_64")]
fn static_program(sandbox: &Sandbox) -> std::path::PathBuf {
    let mut bytes = vec![0_u8; 0x78];
    let mut put =
        |place: usize, part: &[u8]| bytes[place..place + part.len()].copy_from_slice(part);
    put(0, b"\x7fELF\x02\x01\x01");
    // An executable for x86-64, which begins behind the headers: one of 56 bytes at 64.
    put(16, &[2, 0, 62, 0, 1, 0, 0, 0, 0x78, 0, 0x40]);
    put(32, &[64]);
    put(52, &[64, 0, 56, 0, 1]);
    // All of the file, to be read and executed at 0x400000.
    put(64, &[1, 0, 0, 0, 5]);
    put(64 + 16, &[0, 0, 0x40]);
    put(64 + 24, &[0, 0, 0x40]);
    put(64 + 32, &[0x81]);
    put(64 + 40, &[0x81]);
    put(64 + 48, &[0, 0x10]);
    // mov eax, 60; xor edi, edi; syscall
    bytes.extend([0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05]);
    executable(sandbox, "static", bytes)
}

/// The beginning of a program for the 32 bits of the machine. Whether the kernel executes it or not, nobody answers for it.
#[cfg(target_arch = "x86_64")]
fn strange_program(sandbox: &Sandbox) -> std::path::PathBuf {
    let mut bytes = b"\x7fELF\x01\x01\x01".to_vec();
    bytes.resize(0x40, 0);
    bytes[16..20].copy_from_slice(&[2, 0, 3, 0]);
    executable(sandbox, "strange", bytes)
}

#[cfg(target_arch = "x86_64")]
fn executable(sandbox: &Sandbox, name: &str, bytes: Vec<u8>) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = sandbox.write(name, bytes);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
    path
}

#[test]
#[cfg(target_arch = "x86_64")]
fn processes_are_counted_and_programs_that_cannot_be_seen_are_named() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    let run = |words: &[&str]| {
        let words: Vec<&str> = ["run", "-w", "w", "--"].iter().chain(words).copied().collect();
        let (code, shown) = Terminal::start(&run_in(&sandbox, ".", words)).end();
        let words: Vec<&str> = shown.lines().last().unwrap_or("").split(", ").collect();
        let seen = words.get(2).and_then(|part| part.split(' ').next()?.parse::<u64>().ok());
        (code, seen.expect("a number"), shown)
    };
    let count = |script: &str| {
        let (code, seen, shown) = run(&["sh", "-c", script]);
        assert_eq!(code, Some(0), "{shown}");
        (seen, shown)
    };
    let (one, _) = count("cat file > /dev/null; :");
    let (three, shown) =
        count("cat file > /dev/null; cat file > /dev/null; cat sub/below > /dev/null; :");
    assert_eq!(three, one + 2, "{shown}");
    assert!(!shown.contains("could not be seen"), "{shown}");
    // No library is in it, and it is answered.
    let program = static_program(&sandbox).display().to_string();
    let (two, shown) = count(&format!("cat file > /dev/null; {program}; :"));
    assert_eq!(two, one + 1, "{shown}");
    assert!(!shown.contains("could not be seen"), "{shown}");
    let (code, seen, shown) = run(&[&program]);
    assert_eq!((code, seen), (Some(0), 1), "{shown}");
    let program = strange_program(&sandbox).display().to_string();
    let (_, shown) = count(&format!("cd /usr; {program}; {program}; :"));
    assert!(shown.contains(&format!("2 that could not be seen ({program})")), "{shown}");
    let (code, _, shown) = run(&[&program]);
    assert!(shown.contains(&format!("'{program}' was not started")), "{shown}");
    assert_eq!(code, Some(126), "{shown}");
}
