//! A PLACE names a tree at a moment, or a path in it: `NAME`, `NAME@SEQ` or `NAME@SNAPSHOT`, then optionally
//! `:PATH`.
//!
//! The first `:` ends the name, so a path may hold any byte, `:` and `@` too. `NAME` may be left out (`:src/main.c`,
//! `@before`): it is then the workspace of the current directory. A version that is all digits is a sequence number.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::{OsStringValueParser, TypedValueParser, ValueParserFactory};

use crate::error::{Error, Result};
use crate::output::names;

/// The longest name of a workspace or snapshot: it is a file name, and others are made from it.
const LONGEST: usize = 200;

/// The name of a workspace or of a snapshot: `[A-Za-z0-9._-]+`, beginning with neither `.` nor `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// A text that cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' cannot be a name: letters, digits, '.', '_' and '-', beginning with neither '.' nor '-', at most 200"
)]
pub struct NameError(String);

impl Name {
    /// A name from bytes.
    pub fn new(bytes: &[u8]) -> Result<Name, NameError> {
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        let begins = bytes.first().is_some_and(|byte| !b".-".contains(byte));
        match std::str::from_utf8(bytes) {
            Ok(text) if begins && bytes.len() <= LONGEST && bytes.iter().all(fits) => {
                Ok(Name(text.to_string()))
            }
            _ => Err(NameError(names::shown(bytes).to_string())),
        }
    }

    /// A name made from a directory's: bytes that no name may have become `_`. `None` if nothing is left of it.
    pub fn from_directory(name: &OsStr) -> Option<Name> {
        let bytes = name.as_bytes();
        let start = bytes.iter().position(|byte| !b".-".contains(byte))?;
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        let made: Vec<u8> = bytes[start..]
            .iter()
            .map(|byte| if fits(byte) { *byte } else { b'_' })
            .take(LONGEST)
            .collect();
        Name::new(&made).ok()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Name, NameError> {
        Name::new(text.as_bytes())
    }
}

/// The name of a snapshot: a [`Name`] that is not all digits, as those are sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotName(Name);

impl SnapshotName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for SnapshotName {
    type Err = String;

    fn from_str(text: &str) -> Result<SnapshotName, String> {
        let name: Name = text.parse().map_err(|error: NameError| error.to_string())?;
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!(
                "'{text}' cannot name a snapshot: all digits are a sequence number"
            ));
        }
        Ok(SnapshotName(name))
    }
}

/// Which state of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// As it is now.
    Now,
    /// After the mutation with this sequence number.
    Seq(u64),
    /// As a snapshot holds it.
    Snapshot(SnapshotName),
}

/// A parsed PLACE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The workspace; `None` means that of the current directory.
    pub workspace: Option<Name>,
    /// Which of its states.
    pub version: Version,
    /// The path in the tree, as it was written after the `:`.
    pub path: Option<OsString>,
}

impl Place {
    /// Parses what the user wrote.
    pub fn parse(text: &OsStr) -> Result<Place, String> {
        let bytes = text.as_bytes();
        let (head, path) = match bytes.iter().position(|&byte| byte == b':') {
            Some(colon) => (&bytes[..colon], Some(OsString::from_vec(bytes[colon + 1..].to_vec()))),
            None => (bytes, None),
        };
        if bytes.is_empty() {
            return Err(
                "a place is NAME, NAME@SEQ or NAME@SNAPSHOT, then optionally :PATH".to_string()
            );
        }
        let (name, version) = match head.iter().position(|&byte| byte == b'@') {
            Some(at) => (&head[..at], Some(&head[at + 1..])),
            None => (head, None),
        };
        let slash = |name: &[u8]| name.contains(&b'/') || name == b"." || name == b"..";
        let workspace = match name {
            [] => None,
            name if slash(name) => {
                let shown = names::shown(bytes);
                return Err(format!(
                    "'{shown}' is no place: write ':{shown}' for a path in a tree"
                ));
            }
            name => Some(Name::new(name).map_err(|error| error.to_string())?),
        };
        let version = match version {
            None => Version::Now,
            Some([]) => {
                return Err(
                    "a sequence number or a snapshot's name is missing after '@'".to_string()
                );
            }
            Some(text) => parse_version(text)?,
        };
        Ok(Place { workspace, version, path })
    }
}

fn parse_version(text: &[u8]) -> Result<Version, String> {
    let text = std::str::from_utf8(text)
        .map_err(|_| NameError(names::shown(text).to_string()).to_string())?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number =
            text.parse().map_err(|_| format!("'{text}' is too large for a sequence number"))?;
        return Ok(Version::Seq(number));
    }
    Ok(Version::Snapshot(text.parse()?))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.workspace {
            write!(f, "{name}")?;
        }
        match &self.version {
            Version::Now => {}
            Version::Seq(number) => write!(f, "@{number}")?,
            Version::Snapshot(name) => write!(f, "@{}", name.as_str())?,
        }
        match &self.path {
            Some(path) => write!(f, ":{}", names::shown(path.as_bytes())),
            None => Ok(()),
        }
    }
}

impl ValueParserFactory for Place {
    type Parser = clap::builder::ValueParser;

    fn value_parser() -> clap::builder::ValueParser {
        OsStringValueParser::new().try_map(|text| Place::parse(&text)).into()
    }
}

/// A workspace that could be meant when none is named.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name.
    pub name: Name,
    /// Where its tree appears.
    pub mount: PathBuf,
    /// Whether it was ingested from that directory, rather than forked.
    pub ingested: bool,
}

/// The workspace of the current directory: of those whose mount path holds `directory` the one with the longest
/// mount path; of several there the one that was ingested.
pub fn of_directory<'c>(candidates: &'c [Candidate], directory: &Path) -> Result<&'c Candidate> {
    let holding = candidates.iter().filter(|candidate| directory.starts_with(&candidate.mount));
    let longest = holding.clone().map(|candidate| candidate.mount.as_os_str().len()).max();
    let nearest: Vec<_> =
        holding.filter(|candidate| Some(candidate.mount.as_os_str().len()) == longest).collect();
    let ingested: Vec<_> = nearest.iter().filter(|candidate| candidate.ingested).collect();
    match (nearest.as_slice(), ingested.as_slice()) {
        ([only], _) => Ok(only),
        (_, [only]) => Ok(only),
        ([], _) => Err(Error::failed(format!(
            "no workspace is mounted at or above '{}'",
            names::path(directory)
        ))
        .hint("name one; `vrift list` shows them")),
        (several, _) => {
            let mut found: Vec<&str> =
                several.iter().map(|candidate| candidate.name.as_str()).collect();
            found.sort_unstable();
            Err(Error::failed(format!(
                "several workspaces are mounted at '{}': {}",
                names::path(&several[0].mount),
                found.join(", ")
            ))
            .hint("name one of them"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &[u8]) -> Result<String, String> {
        Place::parse(OsStr::from_bytes(text)).map(|place| {
            format!("{:?} {:?} {:?}", place.workspace.map(|name| name.0), place.version, place.path)
        })
    }

    #[test]
    fn a_place_has_a_name_a_version_and_a_path() {
        let now = "Some(\"lua\") Now";
        assert_eq!(place(b"lua").unwrap(), format!("{now} None"));
        assert_eq!(place(b"lua:").unwrap(), format!("{now} Some(\"\")"));
        assert_eq!(place(b"lua:src/a:b@c").unwrap(), format!("{now} Some(\"src/a:b@c\")"));
        assert_eq!(place(b"lua@42:x").unwrap(), "Some(\"lua\") Seq(42) Some(\"x\")");
        let snapshot = "Some(\"lua\") Snapshot(SnapshotName(Name(\"v5.4\"))) None";
        assert_eq!(place(b"lua@v5.4").unwrap(), snapshot);
        assert_eq!(place(b"@7").unwrap(), "None Seq(7) None");
        assert_eq!(place(b":a").unwrap(), "None Now Some(\"a\")");
        assert_eq!(place(b"x:\xff").unwrap(), "Some(\"x\") Now Some(\"\\xFF\")");
    }

    #[test]
    fn what_is_no_place_is_refused_with_the_way_to_write_it() {
        for wrong in [&b""[..], b"a b", b"-x", b".x", b"a@", b"a@b@c", b"a@-", b"\xff", b"a@\xff"] {
            assert!(place(wrong).is_err(), "{}", names::shown(wrong));
        }
        assert!(place(b"src/main.c").unwrap_err().contains("':src/main.c'"));
        assert!(place(b"a@99999999999999999999").unwrap_err().contains("too large"));
    }

    #[test]
    fn a_place_is_shown_as_it_is_written() {
        for text in ["lua", "lua@42:x", "@v1", ":a"] {
            assert_eq!(Place::parse(OsStr::new(text)).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_directory_gives_a_name() {
        let name = |text: &str| Name::from_directory(OsStr::new(text)).map(|name| name.0);
        assert_eq!(name("lua-5.4"), Some("lua-5.4".to_string()));
        assert_eq!(name(".hidden dir"), Some("hidden_dir".to_string()));
        assert_eq!(name(".."), None);
    }

    #[test]
    fn a_snapshot_is_not_named_by_digits_alone() {
        assert!("123".parse::<SnapshotName>().is_err());
        assert!("v123".parse::<SnapshotName>().is_ok());
    }

    #[test]
    fn the_workspace_of_a_directory_is_the_nearest_and_the_ingested_one() {
        let candidate = |name: &str, mount: &str, ingested| Candidate {
            name: name.parse().unwrap(),
            mount: PathBuf::from(mount),
            ingested,
        };
        let all = [
            candidate("outer", "/p", true),
            candidate("inner", "/p/inner", true),
            candidate("fork", "/p/inner", false),
            candidate("one", "/q", false),
            candidate("two", "/q", false),
        ];
        let chosen =
            |path: &str| of_directory(&all, Path::new(path)).map(|found| found.name.0.clone());
        assert_eq!(chosen("/p/inner/src").unwrap(), "inner");
        assert_eq!(chosen("/p/innermost").unwrap(), "outer");
        assert!(chosen("/q").unwrap_err().to_string().contains("one, two"));
        assert!(chosen("/").is_err());
    }
}
