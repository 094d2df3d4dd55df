//! A small project in C: a dozen sources, and rules that write a file beside and rename it, so that what a killed compiler
//! leaves behind is no question. What is made of it natively says what has to come of it in a workspace.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use vrift_cas::Digest;

/// How many sources there are beside `main.c`.
const PARTS: usize = 11;

/// `LOG` names the file, outside of the tree, to which each finished rule is told. What is precious is not removed by `make`
/// when the shell of its rule was killed behind the rename.
const RULES: &str = "\
SAY = echo $@ >> $(LOG)
.PRECIOUS: $(PARTS) main.o libx.a joined.o prog out.txt gen/list.txt
all: prog out.txt joined.o gen/list.txt
%.o: %.c lib.h
\tgcc -O0 -c -o .t-$@ $< && mv .t-$@ $@ && $(SAY)
libx.a: $(PARTS)
\trm -f .t-$@ && ar rc .t-$@ $^ && mv .t-$@ $@ && $(SAY)
joined.o: $(PARTS)
\tld -r -o .t-$@ $^ && mv .t-$@ $@ && $(SAY)
prog: main.o libx.a
\tgcc -o .t-$@ main.o libx.a && mv .t-$@ $@ && $(SAY)
out.txt: prog
\t./prog > .t-$@ && mv .t-$@ $@ && $(SAY)
gen/list.txt: $(PARTS)
\tmkdir -p gen && ls *.c > gen/.t-list && mv gen/.t-list $@ && $(SAY)
";

/// What each output is: the digest of its content.
pub type Outputs = BTreeMap<String, String>;

/// Names of parts with an ending.
fn parts(ending: &str) -> Vec<String> {
    (0..PARTS).map(|part| format!("part{part}.{ending}")).collect()
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
    let rules = format!("PARTS = {}\n{RULES}", parts("o").join(" "));
    fs::write(directory.join("Makefile"), rules.replacen("SAY", "LOG ?= /dev/null\nSAY", 1))?;
    let mut header = String::from("#include <stdio.h>\n");
    let mut main = String::from("#include \"lib.h\"\nint main(void)\n{\n");
    for part in 0..PARTS {
        header += &format!("int part{part}(int);\n");
        main += &format!("    printf(\"%d\\n\", part{part}({part}));\n");
        let table: Vec<String> = (0..200).map(|at| (at * 37 % (part + 60)).to_string()).collect();
        let source = format!(
            "#include \"lib.h\"\nstatic const int table[] = {{ {} }};\n\
             int part{part}(int at)\n{{\n    return table[at % 200] + {part};\n}}\n",
            table.join(", ")
        );
        fs::write(directory.join(format!("part{part}.c")), source)?;
    }
    fs::write(directory.join("lib.h"), header)?;
    fs::write(directory.join("main.c"), main + "    return 0;\n}\n")?;
    fs::write(directory.join("doc/readme"), "What this is.\n".repeat(300))?;
    std::os::unix::fs::symlink("doc/readme", directory.join("readme"))
}

/// Builds it in a real directory of its own, which is removed.
pub fn native() -> Result<Outputs, String> {
    let told = |error: io::Error| format!("the native build: {error}");
    let room = tempfile::tempdir().map_err(told)?;
    let directory = &room.path().join("native");
    write(directory).map_err(told)?;
    let said = Command::new("make").arg("-j2").current_dir(directory).stdin(Stdio::null()).output();
    let said = said.map_err(told)?;
    if !said.status.success() {
        return Err(format!("the native build: {}", String::from_utf8_lossy(&said.stderr)));
    }
    let read = |name: String| {
        let digest = Digest::of(&fs::read(directory.join(&name)).map_err(told)?).to_string();
        Ok((name, digest))
    };
    outputs().into_iter().map(read).collect()
}
