//! What went wrong, as the user is told: a message that names the thing and its state, its causes, and what to do.
//!
//! Exit codes: 0 done, 1 failed (or done in part, with a list of what is missing), 2 wrong usage. `vrift run` has others:
//! those of the command that it runs.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use crate::output::names;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which end a command comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It failed: exit code 1.
    Failed,
    /// It was called wrongly: exit code 2.
    Usage,
    /// It did what could be done and has itself said what is missing: exit code 1 without a further message.
    Incomplete,
    /// Nobody reads the output any more: that is no error.
    BrokenPipe,
    /// A signal ended it: when everything is told, the process ends by that signal.
    Interrupted(i32),
}

/// An error with its causes and hints.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
    hints: Vec<String>,
    code: Option<u8>,
}

impl Error {
    /// Something failed.
    pub fn failed(message: impl Into<String>) -> Error {
        Error {
            kind: Kind::Failed,
            message: message.into(),
            cause: None,
            hints: Vec::new(),
            code: None,
        }
    }

    /// The command was called wrongly.
    pub fn usage(message: impl Into<String>) -> Error {
        Error { kind: Kind::Usage, ..Error::failed(message) }
    }

    /// The command did what could be done, and has said what is missing.
    pub fn incomplete() -> Error {
        Error { kind: Kind::Incomplete, ..Error::failed("") }
    }

    /// This signal came, and the command has stopped where it left everything in order.
    pub fn interrupted(signal: i32) -> Error {
        Error { kind: Kind::Interrupted(signal), ..Error::failed("interrupted") }
    }

    /// Whether that is what it is.
    pub fn is_interruption(&self) -> bool {
        matches!(self.kind, Kind::Interrupted(_))
    }

    /// Says how far the command has come.
    pub fn left(mut self, how: impl std::fmt::Display) -> Error {
        self.message = format!("{}: {how}", self.message);
        self
    }

    /// `cannot {action} '{path}'`, because of `cause`.
    pub fn at(
        action: &str,
        path: &Path,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Error {
        Error::failed(format!("cannot {action} '{}'", names::path(path))).caused_by(cause)
    }

    /// Adds the cause.
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.cause = Some(cause.into());
        self
    }

    /// Adds what the user can do.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hints.push(hint.into());
        self
    }

    /// Ends with this exit code instead of the one that its kind has.
    pub fn exits_with(mut self, code: u8) -> Error {
        self.code = Some(code);
        self
    }

    /// The same, unless a code was told before.
    pub fn exits_with_unless_told(self, code: u8) -> Error {
        let code = self.code.unwrap_or(code);
        self.exits_with(code)
    }

    /// The end that the command comes to.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        let code = match self.kind {
            Kind::BrokenPipe => return 0,
            Kind::Incomplete | Kind::Failed => 1,
            Kind::Usage => 2,
            // What a shell says of who was ended by a signal.
            Kind::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        };
        self.code.unwrap_or(code)
    }

    /// Tells the user, on `stderr`, and gives the exit code.
    pub fn report(&self, stderr: &mut dyn Write) -> u8 {
        let code = self.code();
        if matches!(self.kind, Kind::BrokenPipe | Kind::Incomplete) {
            return code;
        }
        // Standard error may be gone too; there is nobody left to be told.
        let _ = writeln!(stderr, "vrift: {self}");
        for hint in &self.hints {
            let _ = writeln!(stderr, "hint: {hint}");
        }
        code
    }
}

impl fmt::Display for Error {
    /// The message and its causes on one line. A cause that its parent's text already ends with is not repeated.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.message.clone();
        let mut cause: Option<&(dyn StdError + 'static)> = match &self.cause {
            Some(cause) => Some(cause.as_ref()),
            None => None,
        };
        while let Some(error) = cause {
            let text = error.to_string();
            if said.is_empty() {
                said = text;
            } else if !said.ends_with(&text) {
                said = format!("{said}: {text}");
            }
            cause = error.source();
        }
        f.write_str(&said)
    }
}

/// Errors of the output itself: the only ones that come without a path of their own.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Error { kind: Kind::BrokenPipe, ..Error::failed("") };
        }
        Error::failed("cannot write the output").caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_path_and_cause_once_and_the_hint_follows() {
        let cause = io::Error::from_raw_os_error(13);
        let error = Error::at("read", Path::new("/a\nb"), cause).hint("run it as the owner");
        let mut said = Vec::new();
        error.report(&mut said);
        assert_eq!(
            String::from_utf8(said).unwrap(),
            "vrift: cannot read '/a\\nb': Permission denied (os error 13)\nhint: run it as the owner\n"
        );
    }

    #[test]
    fn a_broken_pipe_is_silent() {
        let mut said = Vec::new();
        Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).report(&mut said);
        assert!(said.is_empty());
    }
}
