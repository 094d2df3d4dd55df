//! `vrift env`.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use vrift_manifest::handover::Handover;

use crate::error::Result;
use crate::home;
use crate::output::Output;
use crate::place::Name;
use crate::run;

use super::run::open_sound;

/// Print what makes programs work in a workspace
///
/// Shell commands that set the environment as `vrift run` does, for a shell whose commands are to work in the tree. What
/// is set in LD_PRELOAD is kept. What such programs leave unfinished is brought into the store by the next one, or by
/// the next `vrift` command.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  eval \"$(vrift env)\"             in the workspace of the current directory\n  \
    eval \"$(vrift env -w experiment)\"\n\n\
    The shell itself was started before: it sees the real files, and so do its built-in commands and redirections. \
    `vrift run -- sh` has no such exceptions."
)]
pub struct Args {
    /// The workspace; that of the current directory if not told
    #[arg(short, long, value_name = "WS")]
    workspace: Option<Name>,

    /// Compare what is read with its digest before a program gets it: what is damaged in the store is an error (EIO)
    #[arg(long)]
    verify: bool,
}

impl Args {
    /// Prints it.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        let library = run::library()?;
        let home = home::for_writing()?;
        let name = home::workspace_name(&home, self.workspace.as_ref())?;
        let workspace = open_sound(&home.verifying(self.verify), &name)?;
        let handover = Handover { verify: self.verify, ..Handover::of(&workspace)? };
        for (variable, value) in run::environment(&handover, &library) {
            output.write_all(format!("export {variable}=").as_bytes())?;
            output.write_all(&quoted(&value))?;
            output.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// A word for any shell of the Bourne kind.
fn quoted(value: &OsStr) -> Vec<u8> {
    let mut word = vec![b'\''];
    for &byte in value.as_bytes() {
        match byte {
            b'\'' => word.extend(b"'\\''"),
            byte => word.push(byte),
        }
    }
    word.push(b'\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_whatever_is_in_it() {
        assert_eq!(quoted(OsStr::new("/a b:$c")), b"'/a b:$c'");
        assert_eq!(quoted(OsStr::new("it's")), b"'it'\\''s'");
    }
}
