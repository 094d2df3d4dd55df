//! The oracle's own test: nothing differs between a directory and a directory, and every wrong behaviour is found.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use crate::compare::{self, Verdict};
use crate::differences::Differences;
use crate::generate::Generator;
use crate::player::{self, Player};
use crate::sides::{Against, Sides};

/// Every way in which `wrong.c` can be wrong.
const WRONG: &[&str] = &[
    "exclusive",
    "append",
    "truncate",
    "mode",
    "nofollow",
    "leak",
    "directory-error",
    "open-error",
    "nonblock",
    "slash",
    "size",
    "nanoseconds",
    "owner",
    "loop",
    "lstat-follows",
    "links",
    "one-inode",
    "fstat-inode",
    "rename-over",
    "unlink",
    "errno",
    "rmdir-error",
    "dotfiles",
    "types",
    "dots",
    "cwd",
    "realpath",
    "readlink",
    "access",
    "chmod",
    "chmod-touches",
    "utimens",
    "link",
    "symlink",
    "mkdir-mode",
    "write",
    "crash",
    "truncate-call",
];

struct Check<'c> {
    oracle: &'c Path,
    player: &'c Player,
    work: &'c Path,
    seed: u64,
}

impl Check<'_> {
    /// The first difference between a directory and a directory behind `before`, by the written scripts and some
    /// random ones.
    fn difference(&self, before: Vec<OsString>, random: u64) -> io::Result<Option<String>> {
        let start = fs::read_to_string(self.oracle.join("start.txt"))?;
        let program = self.player.program.clone();
        let mut sides =
            Sides::new(self.work.to_path_buf(), program, Against::Command(before), start)?;
        let mut scripts: Vec<Vec<String>> = Vec::new();
        for path in player::files(&self.oracle.join("scripts"))? {
            scripts.push(fs::read_to_string(path)?.lines().map(str::to_owned).collect());
        }
        for case in 0..random {
            scripts.push(Generator::new(self.player, self.seed.wrapping_add(case)).script(1500));
        }
        let mut found = None;
        for script in scripts {
            if let Verdict::Differs(what) =
                compare::both(&mut sides, &mut Differences::default(), &script, None)?
            {
                found = Some(what.to_string());
                break;
            }
        }
        sides.remove()?;
        Ok(found)
    }
}

/// Whether the oracle is silent where it should be, and speaks where it should.
pub fn self_check(
    oracle: &Path,
    player: &Player,
    work: &Path,
    built: &Path,
    seed: u64,
) -> io::Result<bool> {
    let check = Check { oracle, player, work, seed };
    if let Some(what) = check.difference(Vec::new(), 20)? {
        println!("a directory differs from a directory: {what}");
        return Ok(false);
    }
    println!("a directory is as a directory");
    let library = built.join("wrong.so");
    player::compile(&[oracle.join("wrong.c")], &library, &["-shared", "-fPIC", "-ldl"])?;
    let mut missed = 0;
    for kind in WRONG {
        let preload = format!("LD_PRELOAD={}", library.display());
        let before = ["env".to_owned(), preload, format!("WRONG={kind}")];
        if check.difference(before.map(OsString::from).to_vec(), 3)?.is_none() {
            println!("not found: {kind}");
            missed += 1;
        }
    }
    println!("{} of {} wrong behaviours were found", WRONG.len() - missed, WRONG.len());
    Ok(missed == 0)
}
