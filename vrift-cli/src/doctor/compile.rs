//! A real compile: two sources and a header become objects and a program, in the directory natively and in a workspace of
//! which nothing is on the disk. What comes of both is compared, byte by byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::check::Check;
use super::child;
use super::programs::{WORKSPACE, inside, vrift};
use super::scratch::Scratch;
use crate::error::{Error, Result};
use crate::output::names;

const NAME: &str = "compile";
const STATIC: &str = "static program";
const MEANS: &str = "builds in a workspace do not give what they give elsewhere";

const SOURCES: [(&str, &str); 3] = [
    ("add.h", "int add(int one, int other);\n"),
    ("add.c", "#include \"add.h\"\nint add(int one, int other) { return one + other; }\n"),
    (
        "main.c",
        "#include <stdio.h>\n#include \"add.h\"\n\
         int main(void) { printf(\"%s: %d\\n\", __FILE__, add(19, 23)); return 0; }\n",
    ),
];
const SAID: &[u8] = b"main.c: 42\n";

/// What is made, and the arguments for it.
const STEPS: [(&str, &[&str]); 4] = [
    ("add.o", &["-g", "-O1", "-c", "add.c", "-o", "add.o"]),
    ("main.o", &["-g", "-O1", "-c", "main.c", "-o", "main.o"]),
    ("program", &["main.o", "add.o", "-o", "program"]),
    ("whole", &["-static", "main.o", "add.o", "-o", "whole"]),
];

/// What a compiler made of the sources natively.
pub struct Native {
    compiler: PathBuf,
    /// `None`: no two compiles give the same.
    made: Option<BTreeMap<&'static str, Vec<u8>>>,
    /// Whether static programs can be linked.
    links_statically: bool,
}

/// Writes the sources, and compiles them in the real directory. The error is why there is nothing to compare with.
pub fn natively(scratch: &Scratch) -> Result<Result<Native, Check>> {
    for (name, text) in SOURCES {
        scratch.file(&format!("project/{name}"), text.as_bytes())?;
    }
    let Some(compiler) = compiler() else {
        let found = "neither gcc nor cc nor clang is in PATH: nothing was compiled";
        return Ok(Err(Check::skipped(NAME, found)));
    };
    let mut twice = Vec::new();
    let mut links_statically = false;
    for _ in 0..2 {
        for (name, arguments) in STEPS {
            let mut command = Command::new(&compiler);
            command.args(arguments).current_dir(scratch.path("project"));
            let said = child::run(scratch, &mut command)?;
            if name == "whole" {
                links_statically = said.is_good();
            } else if !said.is_good() {
                let shown = names::path(&compiler);
                let found =
                    format!("'{shown}' does not make {name} outside of workspaces: {}", said.why());
                return Ok(Err(Check::skipped(NAME, found)));
            }
        }
        let mut made = BTreeMap::new();
        for (name, _) in STEPS.iter().filter(|(name, _)| links_statically || *name != "whole") {
            let path = scratch.path(&format!("project/{name}"));
            made.insert(*name, fs::read(&path).map_err(|error| Error::at("read", &path, error))?);
            fs::remove_file(&path).map_err(|error| Error::at("remove", &path, error))?;
        }
        twice.push(made);
    }
    let first = twice.pop();
    let made = first.filter(|first| twice.iter().all(|other| other == first));
    Ok(Ok(Native { compiler, made, links_statically }))
}

/// Compiles them in the workspace, and runs what comes of it.
pub fn in_workspace(scratch: &Scratch, native: &Native) -> Result<Vec<Check>> {
    let shown = names::path(&native.compiler).to_string();
    for (name, arguments) in &STEPS[..3] {
        let mut words = vec![native.compiler.as_os_str()];
        words.extend(arguments.iter().map(std::ffi::OsStr::new));
        let said = inside(scratch, words)?;
        if !said.is_good() {
            let found = format!("'{shown}' does not make {name} in a workspace: {}", said.why());
            return Ok(vec![Check::fails(NAME, found, MEANS)]);
        }
    }
    let ran = inside(scratch, ["./program"])?;
    let mut checks = vec![if !ran.is_good() || ran.out != SAID {
        let found = format!("what '{shown}' made in a workspace does not run there: {}", ran.why());
        Check::fails(NAME, found, MEANS)
    } else if let Some(name) = other_than(scratch, native)? {
        let found = format!("{name} is not the same as what '{shown}' makes outside of workspaces");
        Check::fails(NAME, found, MEANS)
    } else if native.made.is_some() {
        Check::works(
            NAME,
            format!(
                "'{shown}' made a program in a workspace, of the same bytes as outside, and it ran"
            ),
        )
    } else {
        let found = format!(
            "'{shown}' made a program in a workspace, and it ran; what it makes is never the same twice"
        );
        Check::works(NAME, found)
    }];
    if scratch.path("project/program").exists() {
        let found = "what was made in a workspace lies on the disk";
        return Ok(vec![Check::fails(NAME, found, MEANS)]);
    }
    checks.extend(whole(scratch, native)?);
    Ok(checks)
}

/// The first thing that is not as natively.
fn other_than(scratch: &Scratch, native: &Native) -> Result<Option<&'static str>> {
    for (name, _) in &STEPS[..3] {
        let ours = vrift(scratch, ["cat", &format!("{WORKSPACE}:{name}")])?;
        let made = native.made.as_ref().and_then(|made| made.get(name));
        if made.is_some_and(|made| *made != ours.out) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// A static program that was linked in the workspace.
fn whole(scratch: &Scratch, native: &Native) -> Result<Option<Check>> {
    if !native.links_statically {
        return Ok(Some(Check::skipped(STATIC, "none can be linked on this machine")));
    }
    let mut words = vec![native.compiler.as_os_str()];
    words.extend(STEPS[3].1.iter().map(std::ffi::OsStr::new));
    let linked = inside(scratch, words)?;
    let ran = inside(scratch, ["./whole"])?;
    Ok(Some(match linked.is_good() && ran.is_good() && ran.out == SAID {
        true => Check::works(STATIC, "linked in a workspace, and it ran there"),
        false => {
            let why = if linked.is_good() { ran.why() } else { linked.why() };
            let found = format!("linked in a workspace it does not run there: {why}");
            Check::missing(STATIC, found, "builds that make and run static programs stop there")
        }
    }))
}

/// The first compiler in PATH.
fn compiler() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let is_program = |path: &PathBuf| {
        path.is_file() && accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok()
    };
    ["gcc", "cc", "clang"].iter().find_map(|name| {
        let mut candidates = directories.iter().map(|directory| directory.join(Path::new(name)));
        candidates.find(is_program).filter(|path| path.is_absolute())
    })
}
