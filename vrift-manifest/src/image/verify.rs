//! The full check of an image: that it is exactly what the builder writes for some tree.
//!
//! There is one image for a tree and its identities, so the check reads each value, encodes it again in its place and
//! compares the bytes: what is out of order, missing, or a byte too many cannot stay unseen. It takes about 16 bytes
//! of memory a record and ends in an image of any content, because it goes through the records once, in order.

use std::fmt;

use vrift_cas::Hasher;

use super::build::size_of;
use super::encode::{Fields, NodeFields, content_of_words, encode_identity};
use super::error::Damaged;
use super::layout::{POOL_START, pool_padding, record};
use super::open::Image;
use super::record::Record;
use super::tables::{Numbers, Slots};
use crate::attributes::Kind;
use crate::hash::name_hash;

/// More findings than this are only counted: one flipped length may put every later record out of place.
const SHOWN: usize = 100;

/// Everything that is wrong with an image, in sentences; empty if it is sound.
pub fn verify<B: AsRef<[u8]>>(image: &Image<B>) -> Vec<String> {
    let mut check = Check::new(image);
    check.digests();
    check.padding();
    check.records();
    check.numbers();
    if check.hidden > 0 {
        check.findings.push(format!("and {} more", check.hidden));
    }
    check.findings
}

struct Check<'a, B> {
    image: &'a Image<B>,
    findings: Vec<String>,
    hidden: usize,
    /// Where the next entry of the pool has to be.
    pool: u64,
    /// The record that the next directory's children have to begin with.
    next_child: u64,
    /// Names of each node, or subdirectories of each directory, as counted.
    counted: Vec<u32>,
    /// The slots as they have to be.
    slots: Slots,
    files: u64,
    bytes: u64,
}

impl<'a, B: AsRef<[u8]>> Check<'a, B> {
    fn new(image: &'a Image<B>) -> Self {
        Check {
            image,
            findings: Vec::new(),
            hidden: 0,
            pool: POOL_START,
            next_child: 1,
            counted: vec![0; image.record_count() as usize],
            slots: Slots::new(u64::from(image.record_count())),
            files: 0,
            bytes: 0,
        }
    }

    fn report(&mut self, finding: impl fmt::Display) {
        if self.findings.len() < SHOWN {
            self.findings.push(finding.to_string());
        } else {
            self.hidden += 1;
        }
    }

    fn report_at(&mut self, index: u32, what: &str) {
        let path = self.path(index);
        self.report(format_args!("record {index} ({path}): {what}"));
    }

    /// What `read` reads, or a finding.
    fn take<T>(&mut self, read: Result<T, Damaged>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(damaged) => {
                self.report_at(damaged.index, damaged.what);
                None
            }
        }
    }

    /// The path of a record, as far as its parents can be followed.
    fn path(&self, mut index: u32) -> String {
        let mut path = String::new();
        while index != 0 {
            let (Ok(name), Ok(parent)) = (self.image.name(index), self.image.parent(index)) else {
                return format!("?{path}");
            };
            path = format!("/{}{path}", name.escape_ascii());
            // A hostile image can nest a million directories; a message need not.
            if path.len() > 4096 {
                return format!("...{path}");
            }
            index = parent;
        }
        if path.is_empty() { "/".into() } else { path }
    }

    fn digests(&mut self) {
        let image = self.image;
        let digest = |sections: &[&std::ops::Range<usize>]| {
            let mut hasher = Hasher::new();
            for section in sections {
                hasher.update(image.section(section));
            }
            hasher.finish()
        };
        if digest(&[&image.records, &image.pool, &image.slots]) != image.tree_id() {
            self.report("the tree is not the one that the tree ID names");
        }
        if digest(&[&image.identity, &image.numbers]) != image.identity_id() {
            self.report("the identities are not the ones that were written");
        }
    }

    /// The bytes between the sections.
    fn padding(&mut self) {
        let image = self.image;
        let sections = [&image.records, &image.pool, &image.slots, &image.identity, &image.numbers];
        for pair in sections.windows(2) {
            if image.section(&(pair[0].end..pair[1].start)).iter().any(|&byte| byte != 0) {
                self.report(format_args!("the bytes after {} are not zero", pair[0].end));
            }
        }
    }

    /// Order, names, fields, pool and slots, in one pass.
    fn records(&mut self) {
        let count = self.image.record_count();
        if self.image.kind(0) != Ok(Kind::Directory) {
            self.report_at(0, "the root is not a directory");
        }
        if self.image.pool_bytes(0, POOL_START) != Some(&[0; POOL_START as usize]) {
            self.report("the pool does not begin with zero bytes");
        }
        for index in 0..count {
            if u64::from(index) >= self.next_child {
                self.report_at(index, "this record and those after it are in no directory");
                break;
            }
            let Some(record) = self.take(self.image.record(index)) else { break };
            if let Some(name) = self.take(self.image.name(index)) {
                self.record(index, record, name);
            }
        }
        if self.next_child > u64::from(count) {
            self.report("the directories have more children than there are records");
        }
        let pool_len = self.image.pool.len() as u64;
        if self.pool != pool_len {
            let expected = self.pool;
            self.report(format_args!("the pool has {pool_len} bytes instead of {expected}"));
        }
        let stored = self.image.section(&self.image.slots).as_chunks().0;
        if !self.slots.bytes().eq(stored.iter().copied()) {
            self.report("the slots are not those of the records");
        }
        self.links();
        if (self.files, self.bytes) != (self.image.files(), self.image.bytes()) {
            self.report("the numbers of files and bytes are not those of the records");
        }
    }

    fn record(&mut self, index: u32, record: Record<'_>, name: &[u8]) {
        let long = name.len() > record::INLINE_NAME;
        let name_pool = if long { self.pool_entry(index, name.len() as u64) } else { 0 };
        // Another record's parent is checked with the directory that it is in.
        let parent = if index == 0 { 0 } else { record.parent() };
        let mut fields = Fields { parent, name, name_pool, link: record.link(), node: None };
        if record.is_alias() {
            if let Some(primary) = self.take(self.image.primary(index)) {
                self.counted[primary as usize] += 1;
                if self.image.kind(primary) == Ok(Kind::Directory) {
                    self.report_at(index, "a second name of a directory");
                }
            }
        } else if let Some(kind) = self.take(self.image.kind(index)) {
            fields.node = Some(self.node(index, record, kind, &mut fields.link));
        }
        let (encoded, stored) = (fields.encode(), record.0);
        if let Some(at) = encoded.iter().zip(stored).position(|(a, b)| a != b) {
            self.report_at(index, &format!("byte {at} is not what it has to be"));
        }
    }

    /// The fields of a primary record as they have to be, given those that are free.
    fn node(&mut self, index: u32, record: Record<'_>, kind: Kind, link: &mut u32) -> NodeFields {
        self.take(self.image.attributes(index));
        if record.mode() & !(Kind::MASK | 0o7777) != 0 {
            self.report_at(index, "its mode has unknown bits");
        }
        *link = 0;
        let mut count = 0;
        let mut target_len = 0;
        let content = match kind {
            Kind::File => {
                self.files += 1;
                self.bytes = self.bytes.wrapping_add(record.size());
                if i64::try_from(record.size()).is_err() {
                    self.report_at(index, "its size is not below 2^63");
                }
                record.content()
            }
            Kind::Directory => {
                count = record.count();
                if count > 0 {
                    *link = u32::try_from(self.next_child).unwrap_or(u32::MAX);
                }
                self.directory(index);
                [0; 32]
            }
            Kind::Symlink => {
                target_len = self.take(self.image.symlink_target(index)).map_or(0, <[u8]>::len);
                content_of_words(self.pool_entry(index, target_len as u64), target_len as u64)
            }
            Kind::CharDevice | Kind::BlockDevice => content_of_words(record.content_word(0), 0),
            Kind::Fifo | Kind::Socket => [0; 32],
        };
        NodeFields {
            mode: record.mode(),
            uid: record.uid(),
            gid: record.gid(),
            count,
            size: size_of(kind, record.size(), target_len as u32),
            mtime: record.mtime(),
            nlink: record.nlink(),
            xattr: self.xattrs(index),
            content,
        }
    }

    /// The children of a directory: its own, and sorted.
    fn directory(&mut self, index: u32) {
        let Some(children) = self.take(self.image.children(index)) else { return };
        let (first, count) = (children.start, children.end - children.start);
        // If they are elsewhere, the link is reported. Not going there keeps the check linear.
        if count == 0 || u64::from(first) != self.next_child {
            return;
        }
        self.next_child += u64::from(count);
        let mut last: &[u8] = &[];
        for child in children {
            let Some(record) = self.take(self.image.record(child)) else { return };
            if record.parent() != index {
                self.report_at(child, "its parent is another directory");
            }
            if !record.is_alias() && record.mode() & Kind::MASK == Kind::Directory as u32 {
                self.counted[index as usize] += 1;
            }
            // A bad name is reported when its own record is checked.
            let Ok(name) = self.image.name(child) else { continue };
            self.slots.insert(first, count, name_hash(name), child);
            if name <= last {
                self.report_at(child, "its name is not after the one before it");
            }
            last = name;
        }
    }

    fn xattrs(&mut self, index: u32) -> u64 {
        let Some(block) = self.take(self.image.xattr_block(index)) else { return 0 };
        if block.is_empty() {
            return 0;
        }
        let mut items = 0;
        if let Some(xattrs) = self.take(self.image.xattrs(index)) {
            for item in xattrs {
                self.take(item);
                items += 1;
            }
        }
        if items == 0 {
            self.report_at(index, "an empty block of extended attributes");
        }
        self.pool_entry(index, block.len() as u64)
    }

    /// The place that an entry of the pool has to have; its padding has to be zero.
    fn pool_entry(&mut self, index: u32, len: u64) -> u64 {
        let at = self.pool;
        let padding = pool_padding(len);
        let zeros = self.image.pool_bytes(at.saturating_add(len), padding);
        if zeros.is_none_or(|zeros| zeros.iter().any(|&byte| byte != 0)) {
            self.report_at(index, "what it has in the pool is not followed by zero bytes");
        }
        self.pool = at.saturating_add(len).saturating_add(padding);
        at
    }

    fn links(&mut self) {
        for index in 0..self.image.record_count() {
            let Some(record) = self.take(self.image.record(index)) else { return };
            if record.is_alias() {
                continue;
            }
            let directory = record.mode() & Kind::MASK == Kind::Directory as u32;
            let own = if directory { 2 } else { 1 };
            let counted = self.counted[index as usize].saturating_add(own);
            if record.nlink() != counted {
                let nlink = record.nlink();
                self.report_at(index, &format!("nlink is {nlink} instead of {counted}"));
            }
        }
    }

    /// Identities and the number table.
    fn numbers(&mut self) {
        let image = self.image;
        let count = image.record_count();
        let mut numbers = Numbers::new(u64::from(count));
        let number_of = |index| image.node_number(index).unwrap_or(0);
        for index in 0..count {
            let (Some(identity), Some(node), Some(record)) = (
                self.take(image.identity(index)),
                self.take(image.node_number(index)),
                self.take(image.record(index)),
            ) else {
                continue;
            };
            if node >= image.next_node() {
                self.report_at(index, "its node number is not below the next one");
            }
            if !record.is_alias() {
                if let Err(clash) = numbers.insert(node, index, number_of) {
                    self.report_at(index, clash.what());
                }
            } else if identity.0 != &encode_identity(node, None) {
                self.report_at(index, "an alias has times of its own");
            } else if image.primary(index).is_ok_and(|primary| number_of(primary) != node) {
                self.report_at(index, "an alias has another number than its node");
            }
        }
        let stored = image.section(&image.numbers).as_chunks().0;
        if !numbers.bytes().eq(stored.iter().copied()) {
            self.report("the table of node numbers is not that of the records");
        }
    }
}
