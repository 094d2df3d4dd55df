//! The store of the user who calls, its workspaces, and what every command does with them.
//!
//! This is the one place that reads the environment: where the store lies, where tmpfs is, what the current directory
//! is, and who the caller is in a workspace's history.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vrift_cas::{Store, StoreError};
use vrift_manifest::workspace::{Author, Config, Home, Workspace};

use crate::error::{Error, Result};
use crate::output::names;
use crate::place::{self, Candidate, Name};

/// Where the store lies: `$VRIFT_HOME`, else `$XDG_DATA_HOME/vrift`, else `~/.local/share/vrift`. A variable that is
/// empty is as good as none.
pub fn store_path() -> Result<PathBuf> {
    path_from(|name| env::var_os(name))
}

fn path_from(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    let choices = [("VRIFT_HOME", ""), ("XDG_DATA_HOME", "vrift"), ("HOME", ".local/share/vrift")];
    for (name, below) in choices {
        let Some(value) = variable(name).filter(|value| !value.is_empty()) else { continue };
        let base = PathBuf::from(value);
        if !base.is_absolute() {
            // Taken from the current directory, every directory would have a store of its own.
            return Err(Error::failed(format!(
                "${name} is '{}', which is not an absolute path",
                names::path(&base)
            )));
        }
        return Ok(if below.is_empty() { base } else { base.join(below) });
    }
    Err(Error::failed(
        "there is no place for the store: none of $VRIFT_HOME, $XDG_DATA_HOME and $HOME is set",
    )
    .hint("set VRIFT_HOME to a directory of yours"))
}

/// The store, made if there is none: for a command that brings something into it.
pub fn for_creating() -> Result<Home> {
    Ok(home(Store::create_or_open(store_path()?)?))
}

/// The store that is there, to be changed.
pub fn for_writing() -> Result<Home> {
    let path = store_path()?;
    let store = Store::open(&path).map_err(|error| missing(&path, error))?;
    if !can_be_written(&store) {
        let shown = names::path(&path);
        return Err(Error::failed(format!("the store at '{shown}' cannot be written")).hint(
            "it is another user's or on a read-only file system: it can be looked at, not changed",
        ));
    }
    Ok(home(store))
}

/// The store that is there, to be looked at: one that cannot be written is read as it is. `None`: there is none.
pub fn for_reading() -> Result<Option<Home>> {
    let path = store_path()?;
    let opened = match Store::open(&path) {
        // Nothing had to be written yet, but whatever comes next would fail.
        Ok(store) if !can_be_written(&store) => Store::open_read_only(&path),
        // A full disk is no reason not to look.
        Err(StoreError::ReadOnly { .. } | StoreError::Denied { .. } | StoreError::Full { .. }) => {
            Store::open_read_only(&path)
        }
        other => other,
    };
    match opened {
        Err(StoreError::Missing { .. }) => Ok(None),
        other => Ok(Some(home(other?))),
    }
}

/// Whether workspaces can be written: not on a read-only file system, nor by another user.
fn can_be_written(store: &Store) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let access = Access::WRITE_OK | Access::EXEC_OK;
    let may = |path: &Path| accessat(CWD, path, access, AtFlags::EACCESS);
    [store.staging_dir(), store.workspaces_dir()]
        .iter()
        .all(|path| matches!(may(path), Ok(()) | Err(rustix::io::Errno::NOENT)))
}

/// The workspace that somebody may have meant who wrote a name that none has.
pub fn similar(written: &str) -> Option<String> {
    let names = for_reading().ok()??.names().ok()?;
    let likeness = |name: &String| strsim::normalized_damerau_levenshtein(name, written);
    let like = names.into_iter().filter(|name| likeness(name) > 0.6);
    like.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

/// As [`for_reading`], for a command that needs a workspace.
pub fn for_reading_some() -> Result<Home> {
    match for_reading()? {
        Some(home) => Ok(home),
        None => Err(no_workspaces()?),
    }
}

/// The error of a command that needs a workspace where there is no store.
pub fn no_workspaces() -> Result<Error> {
    Ok(none_at(&store_path()?))
}

fn missing(path: &Path, error: StoreError) -> Error {
    match error {
        StoreError::Missing { .. } => none_at(path),
        other => other.into(),
    }
}

fn none_at(path: &Path) -> Error {
    Error::failed(format!("there are no workspaces: there is no store at '{}'", names::path(path)))
        .hint("`vrift ingest DIR` makes a workspace of a directory; VRIFT_HOME names another store")
}

fn home(store: Store) -> Home {
    Home::new(Arc::new(store), &runtime_directories())
}

/// Where live indexes may lie, best first.
pub fn runtime_directories() -> Vec<PathBuf> {
    let session =
        env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    session.into_iter().chain([PathBuf::from("/dev/shm")]).collect()
}

/// Opens a workspace, and says what is wrong with it.
pub fn open(home: &Home, name: &str) -> Result<Workspace> {
    let mut workspace = Workspace::open(home, name)?;
    // What was written and closed is content, whoever looks.
    if let Err(error) = workspace.seal_drafts() {
        warn(&format!("not all that was written in '{name}' can be sealed: {error}"));
    }
    if let Some(damage) = workspace.damage() {
        warn(&format!("{damage}; '{name}' shows the last state before it, and cannot be changed"));
        warn("`vrift fsck --repair` ends its history there and keeps the bytes aside");
    }
    for cut in workspace.cuts() {
        warn(&format!(
            "the journal of '{name}' had a torn end, of changes that were never acknowledged as durable: kept in '{}'",
            names::path(&cut)
        ));
    }
    Ok(workspace)
}

/// Opens a workspace to be changed by this command, and registers it in the workspace's history.
pub fn open_to_change(home: &Home, name: &str) -> Result<Workspace> {
    let mut workspace = open(home, name)?;
    workspace.set_author(author());
    Ok(workspace)
}

/// This command, as history names it.
pub fn author() -> Author {
    let program = env::current_exe().unwrap_or_else(|_| PathBuf::from("vrift"));
    let mut arguments = Vec::new();
    for argument in env::args_os() {
        arguments.extend_from_slice(argument.as_bytes());
        arguments.push(0);
    }
    Author {
        parent: 0,
        pid: std::process::id(),
        program: program.into_os_string().into_vec(),
        arguments,
        directory: env::current_dir().unwrap_or_default().into_os_string().into_vec(),
    }
}

/// The workspace that is meant: the named one, or that of the current directory.
pub fn workspace_name(home: &Home, name: Option<&Name>) -> Result<Name> {
    if let Some(name) = name {
        return Ok(name.clone());
    }
    let directory = env::current_dir().map_err(|error| Error::at("find", Path::new("."), error))?;
    let candidates = candidates(home)?;
    Ok(place::of_directory(&candidates, &directory)?.name.clone())
}

/// All workspaces whose description can be read; the others are named on standard error.
fn candidates(home: &Home) -> Result<Vec<Candidate>> {
    let mut found = Vec::new();
    for name in home.names()? {
        let Ok(parsed) = Name::new(name.as_bytes()) else { continue };
        match Config::load(&home.store().workspaces_dir().join(&name)) {
            Ok(config) => found.push(Candidate {
                name: parsed,
                mount: config.mount,
                ingested: config.origin.is_some() && config.forked_from.is_none(),
            }),
            Err(error) => warn(&format!("workspace '{name}' is passed over: {error}")),
        }
    }
    Ok(found)
}

/// Says something on standard error that is worth knowing and stops nothing.
pub fn warn(text: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "vrift: warning: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(set: &[(&str, &str)]) -> Result<PathBuf> {
        path_from(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_store_is_where_the_first_variable_that_is_not_empty_says() {
        let all = [("VRIFT_HOME", "/a"), ("XDG_DATA_HOME", "/b"), ("HOME", "/c")];
        assert_eq!(path(&all).unwrap(), Path::new("/a"));
        assert_eq!(path(&all[1..]).unwrap(), Path::new("/b/vrift"));
        assert_eq!(path(&all[2..]).unwrap(), Path::new("/c/.local/share/vrift"));
        let empty = [("VRIFT_HOME", ""), ("XDG_DATA_HOME", ""), ("HOME", "/c")];
        assert_eq!(path(&empty).unwrap(), Path::new("/c/.local/share/vrift"));
        assert!(path(&[]).is_err());
    }

    #[test]
    fn a_relative_place_for_the_store_is_refused_by_its_name() {
        let error = path(&[("VRIFT_HOME", "store"), ("HOME", "/c")]).unwrap_err();
        assert!(error.to_string().contains("$VRIFT_HOME is 'store'"), "{error}");
    }
}
