//! Programs that no library can be in, which `vrift run` answers.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use vrift_tests::installed::{is_real, run_in, sandbox};

#[test]
#[cfg(target_arch = "x86_64")]
fn a_static_program_whose_run_is_killed_gets_an_error_and_no_other_tree() {
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
    run.kill().expect("killed");
    run.wait().expect("waited for");
    wait_for("begun\n1\n");
}
