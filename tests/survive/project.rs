//! A small project in C: a dozen sources, and rules that write a file beside and rename it, so that what a killed compiler
//! leaves behind is no question. What is made of it natively says what has to come of it in a workspace.
//!
//! `round.h` has a number, which most of the outputs show: who builds with another one sees which build an output is of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use vrift_cas::Digest;

/// How many sources there are beside `main.c`.
const PARTS: usize = 11;

/// How many digits a number of a round has, so that outputs differ in nothing else.
const DIGITS: usize = 8;

/// What stands before it.
const MARK: &str = "@round ";

/// `LOG` names the file, outside of the tree, to which each finished rule is told, with `ROUND`. What is precious is not removed by `make`
/// when the shell of its rule was killed behind the rename.
const RULES: &str = "\
SAY = echo $@ $(ROUND) >> $(LOG)
.PRECIOUS: $(PARTS) main.o libx.a joined.o prog out.txt gen/list.txt
all: prog out.txt joined.o gen/list.txt
$(SHOWING) main.o: round.h
%.o: %.c lib.h
\tgcc -O0 -c -o .t-$@ $< && mv .t-$@ $@ && $(SAY)
libx.a: $(PARTS)
\trm -f .t-$@ && ar rc .t-$@ $^ && mv .t-$@ $@ && $(SAY)
joined.o: $(PARTS)
\tld -r -o .t-$@ $^ && mv .t-$@ $@ && $(SAY)
prog: main.o libx.a
\tgcc -Wl,--build-id=none -o .t-$@ main.o libx.a && mv .t-$@ $@ && $(SAY)
out.txt: prog
\t./prog > .t-$@ && mv .t-$@ $@ && $(SAY)
gen/list.txt: $(PARTS) round.h
\tmkdir -p gen && ls *.c > gen/.t-list && cat round.h >> gen/.t-list && mv gen/.t-list $@ && $(SAY)
";

/// What each output is: the digest of its content.
pub type Outputs = BTreeMap<String, String>;

/// Names of parts with an ending.
fn parts(ending: &str) -> Vec<String> {
    (0..PARTS).map(|part| format!("part{part}.{ending}")).collect()
}

/// Whether a part shows the round.
fn shows_round(part: usize) -> bool {
    part.is_multiple_of(4)
}

/// What `round.h` has.
pub fn round_header(round: u64) -> String {
    format!("#define ROUND \"{MARK}{round:0DIGITS$}\"")
}

/// An output as it is in round 0, and the rounds that it shows.
pub fn in_round_0(bytes: &[u8]) -> (Vec<u8>, BTreeSet<u64>) {
    let (mut bytes, mut rounds) = (bytes.to_owned(), BTreeSet::new());
    let (mark, whole) = (MARK.len(), MARK.len() + DIGITS);
    for at in 0..(bytes.len() + 1).saturating_sub(whole) {
        if !bytes[at..].starts_with(MARK.as_bytes()) {
            continue;
        }
        let digits = &mut bytes[at + mark..at + whole];
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        if let Some(number) = number {
            rounds.insert(number);
            digits.fill(b'0');
        }
    }
    (bytes, rounds)
}

/// All that can be made.
pub fn outputs() -> Vec<String> {
    let mut names = parts("o");
    for name in ["main.o", "libx.a", "joined.o", "prog", "out.txt", "gen/list.txt"] {
        names.push(name.to_owned());
    }
    names
}

/// Writes the sources.
pub fn write(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory.join("doc"))?;
    let showing = (0..PARTS).filter(|part| shows_round(*part));
    let showing: Vec<String> = showing.map(|part| format!("part{part}.o")).collect();
    let (parts, showing) = (parts("o").join(" "), showing.join(" "));
    let rules = format!("PARTS = {parts}\nSHOWING = {showing}\n{RULES}");
    fs::write(directory.join("Makefile"), rules.replacen("SAY", "LOG ?= /dev/null\nSAY", 1))?;
    let mut header = String::from("#include <stdio.h>\n");
    let mut main = String::from("#include \"lib.h\"\n#include \"round.h\"\nint main(void)\n{\n");
    for part in 0..PARTS {
        header += &format!("int part{part}(int);\n");
        main += &format!("    printf(\"%d\\n\", part{part}({part}));\n");
        let table: Vec<String> = (0..200).map(|at| (at * 37 % (part + 60)).to_string()).collect();
        let source = format!(
            "#include \"lib.h\"\nstatic const int table[] = {{ {} }};\n\
             int part{part}(int at)\n{{\n    return table[at % 200] + {part};\n}}\n",
            table.join(", ")
        );
        let shown = match shows_round(part) {
            true => format!("#include \"round.h\"\nconst char round{part}[] = ROUND;\n"),
            false => String::new(),
        };
        fs::write(directory.join(format!("part{part}.c")), source + &shown)?;
    }
    fs::write(directory.join("lib.h"), header)?;
    fs::write(directory.join("main.c"), main + "    puts(ROUND);\n    return 0;\n}\n")?;
    fs::write(directory.join("round.h"), round_header(0) + "\n")?;
    fs::write(directory.join("doc/readme"), "What this is.\n".repeat(300))?;
    std::os::unix::fs::symlink("doc/readme", directory.join("readme"))
}

/// What a build in a real directory gives; `None`: it does not succeed, and it is said why.
pub fn native() -> Option<Outputs> {
    built().map_err(|why| println!("the native build: {why}")).ok()
}

/// Builds it in a directory of its own, which is removed.
fn built() -> Result<Outputs, String> {
    let told = |error: io::Error| error.to_string();
    let room = tempfile::tempdir().map_err(told)?;
    let directory = &room.path().join("native");
    write(directory).map_err(told)?;
    let said = Command::new("make").arg("-j2").current_dir(directory).stdin(Stdio::null()).output();
    let said = said.map_err(told)?;
    if !said.status.success() {
        return Err(String::from_utf8_lossy(&said.stderr).into_owned());
    }
    let read = |name: String| {
        let digest = Digest::of(&fs::read(directory.join(&name)).map_err(told)?).to_string();
        Ok((name, digest))
    };
    outputs().into_iter().map(read).collect()
}
