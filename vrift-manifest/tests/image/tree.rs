//! The plain model: a tree as a sorted map from paths to names, and what there is to know of a node.

use std::collections::BTreeMap;

use vrift_cas::Digest;
use vrift_manifest::attributes::{Attributes, Content, Kind};
use vrift_manifest::hash::name_hash;
use vrift_manifest::image::{Builder, Damaged, Handle, Image, NodeSpec, Summary};
use vrift_manifest::time::Timestamp;

/// A node of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub number: u64,
    pub attributes: Attributes,
    pub digest: Digest,
    pub target: Vec<u8>,
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Node {
    pub fn is_directory(&self) -> bool {
        self.attributes.mode & Kind::MASK == Kind::Directory as u32
    }

    pub fn content(&self) -> Content<'_> {
        match Kind::of_mode(self.attributes.mode).unwrap() {
            Kind::File => Content::Blob(self.digest),
            Kind::Symlink => Content::Target(&self.target),
            _ => Content::None,
        }
    }
}

/// A tree: nodes by number, and for each path (as names) the number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    pub nodes: BTreeMap<u64, Node>,
    pub paths: BTreeMap<Vec<Vec<u8>>, u64>,
    pub next_node: u64,
}

pub const ROOT: u64 = 1;

pub fn time(sec: i64, nsec: u32) -> Timestamp {
    Timestamp { sec, nsec }
}

pub fn attributes(mode: u32) -> Attributes {
    Attributes {
        mode,
        uid: 1000,
        gid: 100,
        nlink: 0,
        size: 0,
        atime: time(10, 1),
        mtime: time(20, 2),
        ctime: time(30, 3),
        rdev: 0,
    }
}

impl Tree {
    /// Only a root.
    pub fn new() -> Tree {
        let mut tree = Tree { next_node: ROOT, ..Tree::default() };
        tree.add(&[], attributes(0o040755), |_| {});
        tree
    }

    /// Adds a node; `edit` gives it its content.
    pub fn add(
        &mut self,
        path: &[&[u8]],
        attributes: Attributes,
        edit: impl FnOnce(&mut Node),
    ) -> u64 {
        let number = self.next_node;
        self.next_node += 1;
        let mut node = Node {
            number,
            attributes,
            digest: Digest::EMPTY,
            target: Vec::new(),
            xattrs: BTreeMap::new(),
        };
        edit(&mut node);
        self.nodes.insert(number, node);
        self.paths.insert(owned(path), number);
        number
    }

    pub fn directory(&mut self, path: &[&[u8]]) -> u64 {
        self.add(path, attributes(0o040755), |_| {})
    }

    pub fn file(&mut self, path: &[&[u8]], content: &[u8]) -> u64 {
        self.add(path, attributes(0o100644), |node| {
            node.attributes.size = content.len() as u64;
            node.digest = Digest::of(content);
        })
    }

    pub fn symlink(&mut self, path: &[&[u8]], target: &[u8]) -> u64 {
        self.add(path, attributes(0o120777), |node| node.target = target.to_vec())
    }

    pub fn link(&mut self, path: &[&[u8]], number: u64) {
        self.paths.insert(owned(path), number);
    }

    /// What `stat` has to say: the sizes and link counts that the builder decides.
    pub fn stat(&self, number: u64) -> Attributes {
        let node = &self.nodes[&number];
        let mut attributes = node.attributes;
        let paths = self.paths.iter().filter(|(_, at)| **at == number);
        attributes.nlink = paths.count() as u32;
        let device = [Kind::CharDevice as u32, Kind::BlockDevice as u32];
        if !device.contains(&(attributes.mode & Kind::MASK)) {
            attributes.rdev = 0;
        }
        match Kind::of_mode(attributes.mode).unwrap() {
            Kind::File => {}
            Kind::Directory => {
                attributes.size = 4096;
                let own = &self.paths.iter().find(|(_, at)| **at == number).unwrap().0;
                let below = self.children(own).filter(|(_, at)| self.nodes[at].is_directory());
                attributes.nlink = 2 + below.count() as u32;
            }
            Kind::Symlink => attributes.size = node.target.len() as u64,
            _ => attributes.size = 0,
        }
        attributes
    }

    /// Names and numbers in a directory.
    pub fn children<'a>(&'a self, path: &'a [Vec<u8>]) -> impl Iterator<Item = (&'a [u8], u64)> {
        self.paths
            .range(path.to_vec()..)
            .skip(1)
            .take_while(move |(at, _)| at.starts_with(path))
            .filter(move |(at, _)| at.len() == path.len() + 1)
            .map(|(at, number)| (at.last().unwrap().as_slice(), *number))
    }

    /// Builds the image, adding the paths in the order of `keys` as far as parents allow.
    pub fn build_in_order(&self, key: impl Fn(&[Vec<u8>]) -> u64) -> (Vec<u8>, Summary) {
        let mut paths: Vec<_> = self.paths.keys().filter(|path| !path.is_empty()).collect();
        paths.sort_by_key(|path| (path.len(), key(path)));
        let mut builder = self.with_spec(ROOT, |spec| Builder::new(spec).unwrap());
        let mut handles: BTreeMap<u64, Handle> = [(ROOT, builder.root())].into();
        for path in paths {
            let (name, parent) = path.split_last().unwrap();
            let parent = handles[&self.paths[parent]];
            let number = self.paths[path];
            if let Some(&handle) = handles.get(&number) {
                builder.add_link(parent, name, handle).unwrap();
            } else {
                let handle = self.with_spec(number, |spec| builder.add(parent, name, spec));
                handles.insert(number, handle.unwrap());
            }
        }
        let mut bytes = Vec::new();
        let summary = builder.finish(self.next_node, &mut bytes).unwrap();
        (bytes, summary)
    }

    pub fn build(&self) -> Vec<u8> {
        self.build_in_order(|_| 0).0
    }

    fn with_spec<R>(&self, number: u64, with: impl FnOnce(NodeSpec<'_>) -> R) -> R {
        let node = &self.nodes[&number];
        // In any order: the builder sorts them.
        let xattrs: Vec<(&[u8], &[u8])> =
            node.xattrs.iter().rev().map(|(name, value)| (&name[..], &value[..])).collect();
        let attributes = node.attributes;
        with(NodeSpec { node: number, attributes, content: node.content(), xattrs: &xattrs })
    }

    /// The tree that a sound image says.
    pub fn of<B: AsRef<[u8]>>(image: &Image<B>) -> Tree {
        let mut tree = Tree { next_node: image.next_node(), ..Tree::default() };
        let mut paths: Vec<Vec<Vec<u8>>> = vec![];
        for index in 0..image.record_count() {
            let mut path = match index {
                0 => vec![],
                _ => paths[image.parent(index).unwrap() as usize].clone(),
            };
            path.extend((index > 0).then(|| image.name(index).unwrap().to_vec()));
            paths.push(path.clone());
            let number = image.node_number(index).unwrap();
            tree.paths.insert(path, number);
            let index = image.primary(index).unwrap();
            let content = image.content(index).unwrap();
            let digest = if let Content::Blob(digest) = content { digest } else { Digest::EMPTY };
            let target = if let Content::Target(target) = content { target } else { b"" };
            let xattrs = image.xattrs(index).unwrap().map(|item| {
                let (name, value) = item.unwrap();
                (name.to_vec(), value.to_vec())
            });
            tree.nodes.insert(
                number,
                Node {
                    number,
                    attributes: image.attributes(index).unwrap(),
                    digest,
                    target: target.to_vec(),
                    xattrs: xattrs.collect(),
                },
            );
        }
        tree
    }

    /// Compares everything an image says with the model.
    pub fn check<B: AsRef<[u8]>>(&self, image: &Image<B>) {
        assert_eq!(image.record_count() as usize, self.paths.len());
        assert_eq!(image.next_node(), self.next_node);
        let files = self.nodes.values().filter(|node| matches!(node.content(), Content::Blob(_)));
        assert_eq!(image.files(), files.clone().count() as u64);
        assert_eq!(image.bytes(), files.map(|node| node.attributes.size).sum::<u64>());
        for (path, &number) in &self.paths {
            let index = walk(image, path).unwrap().unwrap_or_else(|| panic!("{path:?}"));
            let node = &self.nodes[&number];
            assert_eq!(image.node_number(index), Ok(number));
            assert_eq!(image.by_number(number), Ok(Some(index)));
            assert_eq!(image.attributes(index), Ok(self.stat(number)), "{path:?}");
            assert_eq!(image.content(index), Ok(node.content()));
            let xattrs: Result<BTreeMap<_, _>, _> = image.xattrs(index).unwrap().collect();
            let xattrs =
                xattrs.unwrap().into_iter().map(|(name, value)| (name.to_vec(), value.to_vec()));
            assert_eq!(xattrs.collect::<BTreeMap<_, _>>(), node.xattrs);
            let missing = image.lookup(index, b"not there", name_hash(b"not there"));
            assert_eq!(missing, Ok(None));
            if node.is_directory() {
                self.check_directory(image, path, index);
            } else {
                assert!(image.children(index).is_err());
            }
        }
        assert_eq!(image.by_number(self.next_node), Ok(None));
    }

    fn check_directory<B: AsRef<[u8]>>(&self, image: &Image<B>, path: &[Vec<u8>], index: u32) {
        let listed: Result<Vec<_>, _> = image.entries(index).unwrap().collect();
        let listed: Vec<_> = listed
            .unwrap()
            .into_iter()
            .map(|(name, index)| (name, image.node_number(index).unwrap()))
            .collect();
        assert_eq!(listed, self.children(path).collect::<Vec<_>>());
        for record in image.children(index).unwrap() {
            assert_eq!(image.parent(record), Ok(index));
        }
    }
}

/// From the root to a path.
pub fn walk<B: AsRef<[u8]>>(image: &Image<B>, path: &[Vec<u8>]) -> Result<Option<u32>, Damaged> {
    let mut at = 0;
    for name in path {
        match image.lookup(at, name, name_hash(name))? {
            Some(index) => at = index,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

fn owned(path: &[&[u8]]) -> Vec<Vec<u8>> {
    path.iter().map(|name| name.to_vec()).collect()
}
