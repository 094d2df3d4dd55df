//! Programs that no library can be in: `vrift run` answers them; and those that nobody answers, which meet with no other tree.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use vrift_tests::installed::{command, is_real, run_in, sandbox};
use vrift_tests::refusing::refusing;
use vrift_tests::sandbox::{Said, Sandbox, said};
use vrift_tests::stays::back;

#[test]
#[cfg(target_arch = "x86_64")]
fn a_static_program_that_nobody_answers_any_more_gets_an_error_and_no_other_tree() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    let (tree, home) = (sandbox.path("project"), sandbox.path("home"));
    // The real directory has such a file, too.
    fs::write(tree.join("looked-at"), "real").expect("written");
    sandbox.ok(["ingest", "project", "--name", "w"]);
    fs::write(
        home.join("looks.c"),
        r#"#include <errno.h>
        #include <stdio.h>
        #include <sys/stat.h>
        #include <unistd.h>
        int main(int count, char **word)
        {
            struct stat s;
            puts("begun");
            fflush(stdout);
            for (int i = 0; i < 30000 && !stat("looked-at", &s); i++) usleep(1000);
            printf("%d\n", errno == ENOSYS);
            return 0;
        }"#,
    )
    .expect("written");
    let mut gcc = Command::new("gcc");
    let compiled = gcc.current_dir(&home).args(["-static", "-o", "looks", "looks.c"]).status();
    assert!(compiled.expect("started").success());

    let said = home.join("said");
    let program = home.join("looks").into_os_string();
    let mut run = run_in(&sandbox, "home", ["run", "-w", "w", "--"]);
    let run = run.arg(program).stdout(fs::File::create(&said).expect("made"));
    let mut run = run.stdin(Stdio::null()).spawn().expect("started");
    let wait_for = |text: &str| {
        let begun = Instant::now();
        while fs::read_to_string(&said).expect("read") != text {
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", fs::read_to_string(&said));
            sleep(Duration::from_millis(10));
        }
    };
    wait_for("begun\n");
    kill_process(back(&run), Signal::KILL).expect("killed");
    run.wait().expect("waited for");
    wait_for("begun\n1\n");
}

/// What a static program does here: it shows a file, or says why it cannot.
const SHOWS: &str = r#"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **word)
{
    char line[100] = "";
    if (count > 2) {
        execv(word[1], word + 1);
        printf("not started: %d\n", errno);
        return 1;
    }
    FILE *file = fopen(word[1], "r");
    if (!file || !fgets(line, sizeof line, file)) return printf("%s\n", strerror(errno)), 1;
    fputs(line, stdout);
    return 0;
}"#;

/// A workspace `w` in whose place other content lies on the disk, and beside it a static program `shows`.
fn scene() -> Sandbox {
    let sandbox = sandbox();
    fs::write(sandbox.path("project/file"), "the other tree\n").expect("written");
    sandbox.write("outside/file", "outside\n");
    let source = sandbox.write("outside/shows.c", SHOWS);
    let mut gcc = Command::new("gcc");
    let compiled =
        gcc.args(["-static", "-o"]).arg(sandbox.path("outside/shows")).arg(source).status();
    assert!(compiled.expect("started").success());
    sandbox
}

/// A shell's script in the workspace, where SHOWS is the static program, TREE its mount path and OUTSIDE a directory beside.
fn script(sandbox: &Sandbox, script: &str) -> Command {
    let mut run = run_in(sandbox, "project", ["run", "-w", "w", "--", "sh", "-c", script]);
    given(sandbox, &mut run);
    run
}

fn given(sandbox: &Sandbox, run: &mut Command) {
    run.env("SHOWS", sandbox.path("outside/shows")).env("TREE", sandbox.path("project"));
    run.env("OUTSIDE", sandbox.path("outside")).env("VRIFT", command());
}

/// Whether a program was refused, and not what it would have found was shown.
#[track_caller]
fn is_refused(said: &Said, code: i32) {
    let shown = format!("{} {}", said.text(), said.err);
    assert_eq!(said.code, Some(code), "{shown}");
    assert!(said.text().is_empty(), "{shown}");
    assert!(said.err.contains("Can not access a needed shared library"), "{shown}");
}

#[test]
fn where_nothing_answers_a_static_program_it_meets_with_no_other_tree() {
    if !is_real() {
        return;
    }
    let sandbox = scene();
    for refused in ["listener", "socket"] {
        let said = |text: &str| said(&mut refusing(&[refused], &script(&sandbox, text)));
        for text in [
            "\"$SHOWS\" file",
            "cd sub && \"$SHOWS\" ../file",
            "cd .. && \"$SHOWS\" project/file",
            "cd /usr && \"$SHOWS\" \"$TREE/file\"",
            "cd /usr && exec \"$SHOWS\" \"$TREE/file\"",
            "cd /usr && exec env -i \"$SHOWS\" \"$TREE/file\"",
            "cp \"$SHOWS\" mine && cd /usr && \"$TREE/mine\" x",
            "(echo \"#!$SHOWS\"; echo) >script && chmod +x script && ./script",
        ] {
            let said = said(text);
            is_refused(&said, 126);
            assert!(
                said.err.contains("was not started: it cannot be seen"),
                "{text}: {}",
                said.err
            );
            assert!(said.err.contains("hint: "), "{text}: {}", said.err);
        }
        // What has nothing to do with the tree is no matter of ours.
        sandbox.write("project-beside/file", "beside\n");
        let beside = said("cd /usr && \"$SHOWS\" \"$TREE-beside/file\"");
        assert_eq!((beside.code, beside.text().as_str()), (Some(0), "beside\n"), "{}", beside.err);
        let other = said("cd /usr && \"$SHOWS\" \"$OUTSIDE/file\"");
        assert_eq!(
            (other.code, other.text().as_str(), other.err.as_str()),
            (Some(0), "outside\n", "")
        );
    }
    let mut direct = run_in(&sandbox, "project", ["run", "-w", "w", "--"]);
    direct.arg(sandbox.path("outside/shows")).arg("file");
    is_refused(&said(&mut refusing(&["listener"], &direct)), 126);
}

#[test]
fn who_spawns_such_a_program_is_told_that_it_is_refused() {
    if !is_real() {
        return;
    }
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: there is no python3");
        return;
    }
    let sandbox = scene();
    let text = "exec python3 -c '
import os
it = os.environ[\"SHOWS\"]
print(os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn(it, [it, \"file\"], os.environ), 0)[1]))
try: os.execv(it, [it, \"file\"])
except OSError as why: print(why.errno)'";
    let said = said(&mut refusing(&["listener"], &script(&sandbox, text)));
    assert_eq!(said.text(), "126\n79\n", "{}", said.err);
}

#[test]
fn a_run_within_a_run_and_what_vrift_env_says_refuse_such_programs_too() {
    if !is_real() {
        return;
    }
    let sandbox = scene();
    sandbox.write("second/file", "second\n");
    sandbox.ok(["ingest", "second", "--name", "v"]);
    fs::write(sandbox.path("second/file"), "the other tree\n").expect("written");
    let within = "\"$VRIFT\" run -w v -- sh -c 'cat file && exec \"$SHOWS\" file'";
    let within = said(&mut script(&sandbox, within));
    assert_eq!((within.code, within.text().as_str()), (Some(126), "second\n"), "{}", within.err);

    let mut env = Command::new("sh");
    let text = "eval \"$(\"$VRIFT\" env -w w)\" && sh -c 'cat file && exec \"$SHOWS\" file'";
    env.args(["-c", text]);
    let template = sandbox.command("project", [""; 0]);
    for (name, value) in template.get_envs() {
        match value {
            Some(value) => env.env(name, value),
            None => env.env_remove(name),
        };
    }
    given(&sandbox, &mut env);
    let env = said(env.current_dir(sandbox.path("project")));
    assert_eq!((env.code, env.text().as_str()), (Some(126), "content\n"), "{}", env.err);
}

/// A program for the 32 bits of x86 that shows the file `file`, or ends with the errno.
#[cfg(target_arch = "x86_64")]
fn narrow() -> Vec<u8> {
    const CODE: &[u8] = &[
        0xb8, 5, 0, 0, 0, // mov eax, open
        0xbb, 0x95, 0x80, 4, 8, // mov ebx, file
        0x31, 0xc9, // xor ecx, ecx
        0xcd, 0x80, // int 0x80
        0x85, 0xc0, // test eax, eax
        0x78, 0x29, // js failed
        0x89, 0xc3, // mov ebx, eax
        0xb8, 3, 0, 0, 0, // mov eax, read
        0x8d, 0x4c, 0x24, 0xc0, // lea ecx, [esp - 64]
        0xba, 0x40, 0, 0, 0, // mov edx, 64
        0xcd, 0x80, // int 0x80
        0x89, 0xc2, // mov edx, eax
        0xbb, 1, 0, 0, 0, // mov ebx, 1
        0xb8, 4, 0, 0, 0, // mov eax, write
        0xcd, 0x80, // int 0x80
        0x31, 0xdb, // xor ebx, ebx
        0xb8, 1, 0, 0, 0, // end: mov eax, exit
        0xcd, 0x80, // int 0x80
        0xf7, 0xd8, // failed: neg eax
        0x89, 0xc3, // mov ebx, eax
        0xeb, 0xf3, // jmp end
        b'f', b'i', b'l', b'e', 0,
    ];
    let mut bytes = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend([2, 0, 3, 0, 1, 0, 0, 0]);
    let mut words = |words: &[u32]| words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    words(&[0x0804_8054, 52, 0, 0]);
    // Sizes of headers: one of 32 bytes.
    words(&[0x0020_0034, 0x0028_0001, 0]);
    let length = 84 + CODE.len() as u32;
    words(&[1, 0, 0x0804_8000, 0x0804_8000, length, length, 5, 4096]);
    bytes.extend(CODE);
    bytes
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_program_of_32_bits_meets_with_no_other_tree() {
    if !is_real() {
        return;
    }
    let sandbox = scene();
    let path = sandbox.write("outside/narrow", narrow());
    executable(&path, 0o755);
    let native = Command::new(&path).current_dir(sandbox.path("outside")).output();
    if native.is_ok_and(|native| native.stdout != b"outside\n") {
        println!("skipped: this kernel executes none");
        return;
    }
    let said = |text: &str| said(script(&sandbox, text).env("NARROW", &path));
    is_refused(&said("\"$NARROW\""), 126);
    is_refused(&said("cp \"$NARROW\" mine; exec ./mine"), 126);
    // From a static program, whose own calls are answered.
    let below = said("\"$SHOWS\" file && exec \"$SHOWS\" \"$NARROW\" x");
    assert_eq!(below.text(), "content\nnot started: 79\n", "{}", below.err);
    assert!(below.err.contains("was not started"), "{}", below.err);
    let outside = said("cd \"$OUTSIDE\" && cd /usr && exec \"$SHOWS\" \"$OUTSIDE/file\"");
    assert_eq!((outside.code, outside.text().as_str()), (Some(0), "outside\n"), "{}", outside.err);
}

fn executable(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
}

/// A program by which who calls it gains rights: made where that can be, else one that every machine has.
fn privileged(sandbox: &Sandbox) -> Option<std::path::PathBuf> {
    let path = sandbox.path("outside/privileged");
    fs::copy("/bin/cat", &path).expect("copied");
    if std::os::unix::fs::chown(&path, None, Some(12345)).is_ok() {
        let group = rustix::process::getegid().as_raw();
        executable(&path, 0o2755);
        if group != 12345 {
            return Some(path);
        }
    }
    let all = ["/usr/bin/passwd", "/bin/su", "/bin/mount"].map(std::path::PathBuf::from);
    all.into_iter()
        .find(|path| fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o4000 != 0))
}

#[test]
fn a_program_by_which_one_gains_rights_meets_with_no_other_tree() {
    if !is_real() {
        return;
    }
    let sandbox = scene();
    let Some(program) = privileged(&sandbox) else { return };
    let said = |text: &str| said(script(&sandbox, text).env("IT", &program));
    is_refused(&said("exec \"$IT\" --help"), 126);
    is_refused(&said("cd /usr && exec \"$IT\" \"$TREE/file\""), 126);
    assert_eq!(said("cd /usr && \"$IT\" --help >/dev/null 2>&1 || :").err, "");
    // Who may gain none is as all others.
    if program.starts_with(sandbox.path("outside")) {
        let none = vrift_tests::sandbox::said(&mut refusing(
            &[],
            script(&sandbox, "exec \"$IT\" file").env("IT", &program),
        ));
        assert_eq!((none.code, none.text().as_str()), (Some(0), "content\n"), "{}", none.err);
    }
}
