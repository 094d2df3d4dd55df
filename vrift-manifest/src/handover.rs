//! The handover: how the command tells a preloaded library which workspace a process works in. One environment variable,
//! text, so that it goes through every shell and every `exec`. Writing and reading it is pure.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::workspace::{Workspace, WorkspaceError};

/// The environment variable that holds the text.
pub const SESSION_VARIABLE: &str = "VRIFT_SESSION";

/// The form of the text that is written here. A reader takes no other.
const FORM: &[u8] = b"1";

/// The same form, where contents are to be compared with their digests.
const VERIFYING: &[u8] = b"1v";

/// The digits of a parent's number with zeros before it: so it can be written over where it stands.
const PADDED: usize = 20;

/// The most bytes that a text may have: paths of the longest kind, every byte of them escaped.
const LONGEST: usize = 64 << 10;

/// What a process must be told to work in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The workspace's name.
    pub workspace: String,
    /// Its id, as in its description: 32 hex digits.
    pub id: String,
    /// The store's directory, an absolute path.
    pub store: PathBuf,
    /// Where the live index and placeholder directories lie, an absolute path.
    pub runtime: PathBuf,
    /// Where the workspace's tree is to be seen, an absolute path.
    pub mount: PathBuf,
    /// The run that the process belongs to, which keeps a [`crate::census`]; 0: none.
    pub run: u64,
    /// The record of the process that started this one; 0: none is known. Whoever starts a process says it.
    pub parent: u64,
    /// Whether a content is compared with its digest before a process gets it.
    pub verify: bool,
}

impl Handover {
    /// What leads to an open workspace.
    pub fn of(workspace: &Workspace) -> Result<Handover, WorkspaceError> {
        let config = workspace.config()?;
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Handover {
            workspace: workspace.name().to_owned(),
            id: config.id,
            store: absolute(workspace.store().root()),
            runtime: absolute(workspace.home().runtime()),
            mount: config.mount,
            run: 0,
            parent: 0,
            verify: false,
        })
    }

    /// The text: `1:NAME:ID:STORE:RUNTIME:MOUNT`, bytes other than letters, digits, `.`, `_`, `/` and `-` as `%XX`. Then
    /// `:RUN` in hexadecimal and `:PARENT` in decimal digits, as far as they are not 0. It begins with `1v` where contents are
    /// to be verified.
    pub fn to_text(&self) -> String {
        let form = if self.verify { VERIFYING } else { FORM };
        let mut text = String::from_utf8_lossy(form).into_owned();
        let fields: [&[u8]; 5] = [
            self.workspace.as_bytes(),
            self.id.as_bytes(),
            self.store.as_os_str().as_bytes(),
            self.runtime.as_os_str().as_bytes(),
            self.mount.as_os_str().as_bytes(),
        ];
        for field in fields {
            text.push(':');
            for &byte in field {
                if is_plain(byte) {
                    text.push(char::from(byte));
                } else {
                    text += &format!("%{byte:02X}");
                }
            }
        }
        if self.run != 0 || self.parent != 0 {
            text += &format!(":{:x}", self.run);
        }
        if self.parent != 0 {
            text += &format!(":{}", self.parent);
        }
        text
    }

    /// Reads the text. `None`: it is not one, or of a form not known here.
    pub fn parse(text: &[u8]) -> Option<Handover> {
        if text.len() > LONGEST {
            return None;
        }
        let mut fields = text.split(|&byte| byte == b':');
        let verify = match fields.next()? {
            FORM => false,
            VERIFYING => true,
            _ => return None,
        };
        let mut next = || fields.next().and_then(plain);
        let workspace = String::from_utf8(next()?).ok()?;
        let id = String::from_utf8(next()?).ok()?;
        let (store, runtime, mount) = (path(next()?)?, path(next()?)?, path(next()?)?);
        let run = fields.next().map_or(Some(0), |digits| number(digits, 16))?;
        let parent = fields.next().map_or(Some(0), |digits| match digits.len() {
            PADDED => padded(digits),
            _ => number(digits, 10),
        })?;
        let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let named = crate::workspace::is_workspace_name(&workspace);
        (is_id && named && fields.next().is_none()).then_some(Handover {
            workspace,
            id,
            store,
            runtime,
            mount,
            run,
            parent,
            verify,
        })
    }

    /// The directory that stands for the directory `node`: an open one, or one that is somebody's working directory.
    pub fn placeholder(&self, node: u64) -> PathBuf {
        self.placeholders().join(node.to_string())
    }

    /// The directory of all placeholders.
    pub fn placeholders(&self) -> PathBuf {
        self.runtime.join(format!("places-{}", self.id))
    }

    /// The directory of the workspace in the store.
    pub fn directory(&self) -> PathBuf {
        self.store.join("workspaces").join(&self.workspace)
    }

    /// The directory of the files behind nodes that are being written: `NODE.DRAFT`.
    pub fn drafts(&self) -> PathBuf {
        self.directory().join("drafts")
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._/-".contains(&byte)
}

/// A number in the one form in which it is written.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let short = plain && (text == "0" || !text.starts_with('0'));
    u64::from_str_radix(text, radix).ok().filter(|_| short)
}

/// A number with zeros before it.
fn padded(digits: &[u8]) -> Option<u64> {
    let plain = digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|_| plain)
}

/// A field without its escapes.
fn plain(field: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'%' {
            let digits = rest.get(..2)?;
            rest = rest.get(2..)?;
            let digit = |at: usize| digits.get(at).and_then(|&d| char::from(d).to_digit(16));
            bytes.push(u8::try_from(digit(0)? << 4 | digit(1)?).ok()?);
        } else if is_plain(byte) {
            bytes.push(byte);
        } else {
            return None;
        }
    }
    Some(bytes)
}

/// An absolute path without a NUL.
fn path(bytes: Vec<u8>) -> Option<PathBuf> {
    let path = PathBuf::from(OsString::from_vec(bytes));
    let good = path.is_absolute() && !path.as_os_str().as_bytes().contains(&0);
    good.then_some(path).filter(|path| path.as_path() != Path::new(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handover(mount: &[u8]) -> Handover {
        Handover {
            workspace: "w".into(),
            id: "00112233445566778899aabbccddeeff".into(),
            store: "/home/me/store".into(),
            runtime: "/dev/shm/vrift-1000".into(),
            mount: OsString::from_vec(mount.to_vec()).into(),
            run: 0,
            parent: 0,
            verify: false,
        }
    }

    #[test]
    fn what_is_written_is_read_again_whatever_bytes_the_paths_have() {
        for mount in
            [&b"/proj"[..], b"/", b"/a b:c%d\n", "/\u{e4}\u{1f600}".as_bytes(), b"/\xff\x80\x01"]
        {
            let handover = handover(mount);
            let text = handover.to_text();
            assert!(text.bytes().all(|byte| is_plain(byte) || b":%".contains(&byte)), "{text}");
            assert_eq!(Handover::parse(text.as_bytes()), Some(handover));
        }
    }

    #[test]
    fn the_text_is_as_the_contract_says() {
        assert_eq!(
            handover(b"/a b").to_text(),
            "1:w:00112233445566778899aabbccddeeff:/home/me/store:/dev/shm/vrift-1000:/a%20b"
        );
    }

    #[test]
    fn whether_contents_are_verified_is_in_the_first_field() {
        let verifying = Handover { verify: true, run: 1, parent: 2, ..handover(b"/p") };
        let text = verifying.to_text();
        assert!(text.starts_with("1v:w:"), "{text}");
        assert_eq!(Handover::parse(text.as_bytes()), Some(verifying));
        assert_eq!(Handover::parse(text.replacen("1v", "v", 1).as_bytes()), None);
    }

    #[test]
    fn run_and_parent_are_there_if_they_are_known() {
        for (run, parent, end) in
            [(0xab, 0, ":/p:ab"), (u64::MAX, 12, ":ffffffffffffffff:12"), (0, 7, ":/p:0:7")]
        {
            let handover = Handover { run, parent, ..handover(b"/p") };
            let text = handover.to_text();
            assert!(text.ends_with(end), "{text}");
            assert_eq!(Handover::parse(text.as_bytes()), Some(handover.clone()));
            let padded =
                format!("{}:{run:x}:{parent:020}", super::tests::handover(b"/p").to_text());
            assert_eq!(Handover::parse(padded.as_bytes()), Some(handover));
            for wrong in ["0", ":", "x", ":1", "g"].map(|wrong| format!("{text}:{wrong}:")) {
                assert_eq!(Handover::parse(wrong.as_bytes()), None, "{wrong}");
            }
        }
        let good = handover(b"/p").to_text();
        for wrong in [":", ":-1", ":AB", ":01", ":ab:", ":ab:f", ":ab:01", ":ab:1:1", ":+1"] {
            let text = format!("{good}{wrong}");
            assert_eq!(Handover::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_handover_is_none() {
        let good = handover(b"/p").to_text();
        assert!(Handover::parse(good.as_bytes()).is_some());
        for length in 0..good.len() - 1 {
            assert_eq!(Handover::parse(&good.as_bytes()[..length]), None, "{length}");
        }
        let bad = [
            good.replacen('1', "2", 1),
            format!("{good}:"),
            format!("{good} "),
            format!("{good}%"),
            format!("{good}%4"),
            format!("{good}%4g"),
            format!("{good}%00"),
            good.replace("/home", "home"),
            good.replace(":w:", "::"),
            good.replace(":w:", ":..:"),
            good.replace(":w:", ":a/b:"),
            good.replace("eeff:", "eef:"),
            good.replace("eeff:", "eefg:"),
        ];
        for text in bad {
            assert_eq!(Handover::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Handover::parse(&vec![b'/'; LONGEST + 1]), None);
    }
}
