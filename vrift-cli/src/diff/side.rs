//! One of the two trees that are compared.

use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use vrift_cas::{Digest, Hasher};
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::Cursor;
use vrift_manifest::tree::xattrs::XattrList;

use crate::content::Content;
use crate::error::{Error, Result};
use crate::ingest::{Exclude, StatCache};
use crate::located::Located;
use crate::node::{Node, join};
use crate::output::{Row, names};

/// A tree, or a real directory.
pub enum Side {
    /// A state of a workspace, from one of its nodes on.
    Tree(Box<Located>),
    /// A real directory or file.
    Real(Box<Real>),
}

/// A real directory or file.
pub struct Real {
    /// Its path.
    pub path: PathBuf,
    /// What is not looked at in it.
    pub exclude: Exclude,
    /// What the last ingest of it saw: what is as it was then is not read again.
    pub cache: StatCache,
    /// What could not be read.
    pub problems: RefCell<Vec<Error>>,
}

/// Something that is compared.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its path from where the comparison begins; empty for that itself.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Its permission.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
    /// Bytes of content.
    pub size: u64,
    /// The device number.
    pub rdev: u64,
    /// The node's number, in a workspace.
    pub node: Option<u64>,
    at: Option<Cursor>,
    digest: Cell<Option<Digest>>,
}

impl Item {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        self.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
    }

    /// The path of the directory that it is in.
    pub fn parent(&self) -> &[u8] {
        let slash = self.path.iter().rposition(|&byte| byte == b'/');
        slash.and_then(|slash| self.path.get(..slash)).unwrap_or_default()
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// The mode as git writes it.
    pub fn full_mode(&self) -> u32 {
        self.kind as u32 | self.mode
    }
}

impl Side {
    /// A real directory or file.
    pub fn real(path: PathBuf, exclude: Exclude, cache: StatCache) -> Side {
        Side::Real(Box::new(Real { path, exclude, cache, problems: RefCell::default() }))
    }

    /// Where the comparison begins.
    pub fn root(&self) -> Result<Item> {
        match self {
            Side::Tree(located) => {
                let node = Node::of(located.tree(), located.cursor(true)?)?;
                Ok(item_of_node(Vec::new(), &node))
            }
            Side::Real(real) => {
                let metadata = fs::metadata(&real.path)
                    .map_err(|error| Error::at("read", &real.path, error))?;
                Ok(real.item(Vec::new(), &metadata))
            }
        }
    }

    /// What is in a directory, sorted by name.
    pub fn children(&self, directory: &Item) -> Result<Vec<Item>> {
        match (self, directory.at) {
            (Side::Tree(located), Some(at)) => {
                let tree = located.tree();
                let children = Node::of(tree, at)?.children(tree)?;
                let item = |(name, node): &(Vec<u8>, Node)| {
                    item_of_node(join(&directory.path, name), node)
                };
                Ok(children.iter().map(item).collect())
            }
            (Side::Real(real), _) => Ok(real.children(&directory.path)),
            (Side::Tree(_), None) => Ok(Vec::new()),
        }
    }

    /// The digest of a file's content. `None`: it could not be read, which is noted.
    pub fn digest(&self, file: &Item) -> Result<Option<Digest>> {
        if let Some(known) = file.digest.get() {
            return Ok(Some(known));
        }
        let found = match (self, file.at) {
            (Side::Tree(located), Some(at)) => located.tree().digest(at)?,
            (Side::Real(real), _) => real.digest(&file.path, file.size),
            (Side::Tree(_), None) => None,
        };
        file.digest.set(found);
        Ok(found)
    }

    /// A symlink's target.
    pub fn target(&self, link: &Item) -> Result<Vec<u8>> {
        match (self, link.at) {
            (Side::Tree(located), Some(at)) => Ok(located.tree().target(at)?.unwrap_or_default()),
            (Side::Real(real), _) => {
                let path = real.full(&link.path);
                let target = real.noted(&path, fs::read_link(&path));
                Ok(target.map(|target| target.as_os_str().as_bytes().to_vec()).unwrap_or_default())
            }
            (Side::Tree(_), None) => Ok(Vec::new()),
        }
    }

    /// Extended attributes, where they are compared.
    pub fn xattrs(&self, item: &Item) -> Result<Option<XattrList>> {
        match (self, item.at) {
            (Side::Tree(located), Some(at)) => Ok(Some(located.tree().xattrs(at)?)),
            _ => Ok(None),
        }
    }

    /// Content as text is made of it: a file's bytes, a symlink's target; nothing for what has no content.
    pub fn content(&self, item: &Item) -> Result<Vec<u8>> {
        match (item.kind, self) {
            (Kind::Symlink, _) => self.target(item),
            (Kind::File, Side::Tree(located)) => {
                let store = located.workspace.store();
                let named = format!("{}:{}", located.workspace.name(), names::shown(&item.path));
                match self.digest(item)? {
                    Some(digest) => Content { store, digest, size: item.size }.read(&named),
                    None => Ok(Vec::new()),
                }
            }
            (Kind::File, Side::Real(real)) => {
                let path = real.full(&item.path);
                Ok(real.noted(&path, fs::read(&path)).unwrap_or_default())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The members of an item in JSON.
    pub fn row(&self, item: &Item) -> Result<Row> {
        let mut row = Row::new()
            .with("type", crate::node::type_name(item.kind))
            .with("mode", format!("{:04o}", item.mode))
            .with("size", item.size)
            .with("node", item.node);
        if item.kind == Kind::File {
            row = row.with("digest", self.digest(item)?.map(|digest| digest.to_string()));
        }
        if item.kind == Kind::Symlink {
            row = row.name("target", &self.target(item)?);
        }
        Ok(row)
    }

    /// What could not be read.
    pub fn problems(&self) -> Vec<Error> {
        match self {
            Side::Tree(_) => Vec::new(),
            Side::Real(real) => real.problems.take(),
        }
    }
}

impl Real {
    fn full(&self, path: &[u8]) -> PathBuf {
        if path.is_empty() { self.path.clone() } else { self.path.join(OsStr::from_bytes(path)) }
    }

    fn noted<T>(&self, path: &Path, result: std::io::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems.borrow_mut().push(Error::at("read", path, error));
                None
            }
        }
    }

    fn children(&self, directory: &[u8]) -> Vec<Item> {
        let path = self.full(directory);
        let mut found = Vec::new();
        let Some(entries) = self.noted(&path, fs::read_dir(&path)) else { return found };
        for entry in entries {
            let Some(entry) = self.noted(&path, entry) else { break };
            let metadata = match entry.metadata() {
                // Gone since it was listed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                other => self.noted(&entry.path(), other),
            };
            let Some(metadata) = metadata else { continue };
            let name = entry.file_name();
            let path = join(directory, name.as_bytes());
            if !self.exclude.matches(name.as_bytes(), &path, metadata.is_dir()) {
                found.push(self.item(path, &metadata));
            }
        }
        found.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        found
    }

    fn item(&self, path: Vec<u8>, metadata: &Metadata) -> Item {
        let kind = Kind::of_mode(metadata.mode()).unwrap_or(Kind::File);
        let device = matches!(kind, Kind::CharDevice | Kind::BlockDevice);
        let rdev = if device { metadata.rdev() } else { 0 };
        let known = match kind {
            Kind::File => self.cache.get(metadata.dev(), metadata.ino(), &attributes(metadata)),
            _ => None,
        };
        Item {
            path,
            kind,
            mode: metadata.mode() & 0o7777,
            owner: (metadata.uid(), metadata.gid()),
            size: metadata.len(),
            rdev,
            node: None,
            at: None,
            digest: Cell::new(known.map(|known| known.digest)),
        }
    }

    fn digest(&self, path: &[u8], size: u64) -> Option<Digest> {
        let path = self.full(path);
        let hash = || {
            // Whatever was put in the place of the file since: it is not waited for.
            let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
            let flags = i32::try_from(flags.bits()).unwrap_or(0);
            let mut file = File::options().read(true).custom_flags(flags).open(&path)?;
            // Most files are small, and a large buffer costs more than reading them.
            let room = size.clamp(4 << 10, 256 << 10);
            let room = usize::try_from(room).unwrap_or(4 << 10);
            let (mut hasher, mut buffer) = (Hasher::new(), vec![0; room]);
            loop {
                match file.read(&mut buffer) {
                    Ok(0) => return Ok(hasher.finish()),
                    Ok(read) => hasher.update(buffer.get(..read).unwrap_or_default()),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        };
        self.noted(&path, hash())
    }
}

fn item_of_node(path: Vec<u8>, node: &Node) -> Item {
    Item {
        path,
        kind: node.kind,
        mode: node.attributes.mode & 0o7777,
        owner: (node.attributes.uid, node.attributes.gid),
        size: node.attributes.size,
        rdev: node.attributes.rdev,
        node: Some(node.number),
        at: Some(node.at),
        digest: Cell::new(None),
    }
}

fn attributes(metadata: &Metadata) -> Attributes {
    let time = |sec, nsec: i64| Timestamp { sec, nsec: u32::try_from(nsec).unwrap_or(0) };
    Attributes {
        mode: metadata.mode(),
        uid: metadata.uid(),
        gid: metadata.gid(),
        nlink: u32::try_from(metadata.nlink()).unwrap_or(u32::MAX),
        size: metadata.len(),
        atime: time(metadata.atime(), metadata.atime_nsec()),
        mtime: time(metadata.mtime(), metadata.mtime_nsec()),
        ctime: time(metadata.ctime(), metadata.ctime_nsec()),
        rdev: metadata.rdev(),
    }
}
