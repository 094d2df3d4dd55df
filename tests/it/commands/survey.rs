//! `vrift tree`, `vrift find` and `vrift du`: looking at much at once.

use vrift_tests::fixture::Fixture;
use vrift_tests::sandbox::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    Fixture::of(&sandbox).everything("w");
    sandbox
}

#[test]
fn a_tree_is_drawn_with_all_that_is_below() {
    let sandbox = sandbox();
    let said = sandbox.ok(["tree", "w:src"]).text();
    let drawn =
        "w:src\n+-- copy.c\n+-- deep\n|   `-- data.bin\n`-- main.c\n\n1 directory, 3 files\n";
    let ascii = said
        .replace("\u{251c}\u{2500}\u{2500}", "+--")
        .replace("\u{2514}\u{2500}\u{2500}", "`--")
        .replace('\u{2502}', "|");
    assert_eq!(ascii, drawn);
    assert!(sandbox.ok(["tree", "-L1", "w:src"]).text().ends_with("1 directory, 2 files\n"));
    assert!(sandbox.ok(["tree", "-d", "w"]).text().ends_with("\n\n3 directories\n"));
    let json = sandbox.ok(["tree", "--json", "w:src"]).json();
    assert_eq!((&json[3]["path"], &json[3]["depth"]), (&"src/deep/data.bin".into(), &2.into()));
}

#[test]
fn what_answers_the_description_is_found() {
    let sandbox = sandbox();
    let find = |arguments: &[&str]| -> Vec<String> {
        let all = ["find"].iter().chain(arguments).copied();
        sandbox.ok(all).text().lines().map(str::to_owned).collect()
    };
    assert_eq!(find(&["w", "-name", "*.c"]), ["w:src/copy.c", "w:src/main.c"]);
    assert_eq!(find(&["w:src", "--name", "*.c"]), ["w:src/copy.c", "w:src/main.c"]);
    assert_eq!(find(&["w", "-iname", "readme*"]), ["w:README.md"]);
    assert_eq!(find(&["w", "-type", "d"]), ["w", "w:empty", "w:src", "w:src/deep"]);
    assert_eq!(find(&["w", "-type", "f", "-size", "-7"]), ["w:caf\\351", "w:new\\nline"]);
    assert_eq!(find(&["w", "-path", "src/*", "-type", "f", "-maxdepth", "2"]).len(), 2);
    assert_eq!(find(&["w", "-name", "nothing"]), [""; 0]);
    let odd = sandbox.ok(["find", "w", "-name", "caf*", "-print0"]);
    assert_eq!(odd.out, b"caf\xe9\0");
    assert_eq!(
        sandbox.ok(["find", "w", "-name", "caf*", "--json"]).json()[0]["path_hex"],
        "636166e9"
    );
    assert_eq!(sandbox.run(["find", "w", "-name", "[a"]).code, Some(2));
    assert_eq!(sandbox.run(["find", "w", "-type", "x"]).code, Some(2));
    assert_eq!(sandbox.run(["find", "w", "-size", "much"]).code, Some(2));
}

#[test]
fn bytes_are_added_up_and_each_content_once_if_asked() {
    let sandbox = sandbox();
    let lines = |arguments: &[&str]| -> Vec<String> {
        let all = ["du", "-b"].iter().chain(arguments).copied();
        sandbox.ok(all).text().lines().map(str::to_owned).collect()
    };
    assert_eq!(lines(&["w"]), ["0\tw:empty", "9\tw:src/deep", "75\tw:src", "114\tw"]);
    assert_eq!(lines(&["-s", "w", "w:src", "w:run"]), ["114\tw", "75\tw:src", "10\tw:run"]);
    assert_eq!(lines(&["-d1", "w"]).len(), 3);
    assert_eq!(lines(&["-u", "w:src"]), ["9\tw:src/deep", "42\tw:src"]);
    assert_eq!(lines(&["-s", "-c", "w:src", "w:run"]), ["75\tw:src", "10\tw:run", "85\ttotal"]);
    assert_eq!(lines(&["-scu", "w:src", "w:src"]), ["42\tw:src", "0\tw:src", "42\ttotal"]);
    sandbox.ok(["fork", "w", "f"]);
    assert_eq!(lines(&["-scu", "w:src", "f:src"])[1..], ["0\tf:src", "42\ttotal"]);
    assert_eq!(sandbox.ok(["du", "-sc", "--json", "w:src", "f:src"]).json()[2]["total"], 150);
    let all = lines(&["-a", "w:src"]);
    assert_eq!(all[0], "33\tw:src/copy.c");
    assert_eq!(sandbox.ok(["du", "-s", "w"]).text(), "114 B\tw\n");
    assert_eq!(sandbox.ok(["du", "-s", "--json", "w:src"]).json()[0]["bytes"], 75);
}
