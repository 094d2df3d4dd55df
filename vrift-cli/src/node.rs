//! What the listing commands show of a node.

use vrift_cas::Digest;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::image::Damaged;
use vrift_manifest::tree::{Cursor, Tree};

use crate::output::{self, Row, human};

/// A node with its attributes.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// Where it is in its tree.
    pub at: Cursor,
    /// Its number.
    pub number: u64,
    /// What sort of node it is.
    pub kind: Kind,
    /// Its attributes.
    pub attributes: Attributes,
}

impl Node {
    /// The node at `at`.
    pub fn of(tree: &Tree, at: Cursor) -> Result<Node, Damaged> {
        let attributes = tree.attributes(at)?;
        let kind = Kind::of_mode(attributes.mode).unwrap_or(Kind::File);
        Ok(Node { at, number: tree.number(at)?, kind, attributes })
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// A regular file's digest.
    pub fn digest(&self, tree: &Tree) -> Result<Option<Digest>, Damaged> {
        tree.digest(self.at)
    }

    /// The entries of a directory, sorted by name (byte order).
    pub fn children(&self, tree: &Tree) -> Result<Vec<(Vec<u8>, Node)>, Damaged> {
        let mut found = Vec::new();
        for child in tree.children(self.at)? {
            let (name, at) = child?;
            found.push((name.to_vec(), Node::of(tree, at)?));
        }
        found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Ok(found)
    }

    /// The colour of its name.
    pub fn style(&self) -> anstyle::Style {
        match self.kind {
            Kind::Directory => output::DIRECTORY,
            Kind::Symlink => output::SYMLINK,
            Kind::File if self.attributes.mode & 0o111 != 0 => output::ADDED,
            Kind::File => anstyle::Style::new(),
            _ => output::CHANGED,
        }
    }

    /// Major and minor number of a device.
    pub fn device(&self) -> Option<(u32, u32)> {
        let rdev = self.attributes.rdev;
        matches!(self.kind, Kind::CharDevice | Kind::BlockDevice)
            .then(|| (rustix::fs::major(rdev), rustix::fs::minor(rdev)))
    }

    /// Its attributes as members of a JSON object; a symlink's target and a file's digest are among them.
    pub fn describe(&self, tree: &Tree, row: Row) -> Result<Row, Damaged> {
        let Attributes { mode, uid, gid, nlink, size, atime, mtime, ctime, .. } = self.attributes;
        let mut row = row
            .with("type", type_name(self.kind))
            .with("mode", format!("{:04o}", mode & 0o7777))
            .with("nlink", nlink)
            .with("uid", uid)
            .with("gid", gid)
            .with("size", size)
            .with("mtime", human::json_time(mtime))
            .with("ctime", human::json_time(ctime))
            .with("atime", human::json_time(atime))
            .with("node", self.number);
        if let Some((major, minor)) = self.device() {
            row = row.with("device", [major, minor]);
        }
        // What is being written has none yet.
        if let Some(digest) = self.digest(tree)?.filter(|_| tree.draft(self.at).is_none()) {
            row = row.with("digest", digest.to_string());
        }
        if let Some(target) = tree.target(self.at)? {
            row = row.name("target", &target);
        }
        Ok(row)
    }
}

/// `path/name`, where an empty path is the root.
pub fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    match path {
        b"" => name.to_vec(),
        path => [path, b"/", name].concat(),
    }
}

/// A word for a kind, as JSON has it.
pub fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Symlink => "symlink",
        Kind::Fifo => "fifo",
        Kind::Socket => "socket",
        Kind::CharDevice => "character-device",
        Kind::BlockDevice => "block-device",
    }
}

/// A mode as `ls -l` shows it: `drwxr-xr-x`.
pub fn mode_text(mode: u32) -> String {
    let kind = match Kind::of_mode(mode) {
        Some(Kind::File) => '-',
        Some(Kind::Directory) => 'd',
        Some(Kind::Symlink) => 'l',
        Some(Kind::Fifo) => 'p',
        Some(Kind::Socket) => 's',
        Some(Kind::CharDevice) => 'c',
        Some(Kind::BlockDevice) => 'b',
        None => '?',
    };
    let mut text = String::from(kind);
    for (shift, special, with, without) in
        [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')]
    {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => with,
            (false, true) => without,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_shown_as_ls_shows_them() {
        let cases = [
            (0o100644, "-rw-r--r--"),
            (0o041777, "drwxrwxrwt"),
            (0o104755, "-rwsr-xr-x"),
            (0o106644, "-rwSr-Sr--"),
            (0o041666, "drw-rw-rwT"),
            (0o120777, "lrwxrwxrwx"),
            (0o010600, "prw-------"),
            (0o000644, "?rw-r--r--"),
        ];
        for (mode, text) in cases {
            assert_eq!(mode_text(mode), text);
        }
    }
}
