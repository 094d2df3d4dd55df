//! `vrift exec-inside -- CMD ...`: what `vrift run` starts where only a process in the tree can find CMD. Nobody else has
//! a use for it.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;

use nix::unistd::execvp;

use crate::error::{Error, Result};
use crate::output::names;
use crate::run::{NOT_EXECUTABLE, NOT_FOUND};

/// The command's name.
pub const NAME: &str = "exec-inside";

/// Become another program
#[derive(Debug, clap::Args)]
#[command(name = NAME, hide = true)]
pub struct Args {
    /// The file to execute, if it is not the one that the command's first word says
    #[arg(long, value_name = "PATH")]
    program: Option<OsString>,

    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<OsString>,
}

impl Args {
    /// Becomes it; returns only if that fails.
    pub fn run(self) -> Result<()> {
        let Some(name) = self.command.first() else {
            return Err(Error::usage("no command"));
        };
        let program = self.program.as_deref().unwrap_or(name);
        let text = |word: &OsStr| CString::new(word.as_bytes()).map_err(io::Error::from);
        let words = self.command.iter().map(|word| text(word)).collect::<io::Result<Vec<_>>>();
        // Not by the standard library, which changes what signals are blocked and ignored.
        let become_it = || -> io::Result<Infallible> {
            let (program, words) = (text(program)?, words?);
            crate::run::restore();
            Ok(execvp(&program, &words)?)
        };
        match become_it() {
            Err(error) => Err(refused(name, error)),
        }
    }
}

/// The error of a command that could not be executed.
pub fn refused(name: &OsStr, error: io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    };
    let shown = names::shown(name.as_bytes());
    Error::failed(format!("cannot run '{shown}'")).caused_by(error).exits_with(code)
}
