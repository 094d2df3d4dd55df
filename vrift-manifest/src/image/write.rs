//! Writing a collected tree as an image.
//!
//! The header comes first and holds digests of what follows, and the output may be a pipe: so the sections are made
//! twice, once to be digested and once to be written, instead of being held in memory.

use std::io;

use vrift_cas::{Digest, Hasher};

use super::build::{BuildError, Builder, Entry, Node};
use super::encode::{Fields, HeaderFields, NodeFields, content_of_words, encode_identity};
use super::layout::{Layout, POOL_START, RECORD_LEN, pool_padding, record};
use super::order::Order;
use super::tables::{NumberClash, Numbers, Slots};
use crate::attributes::Kind;
use crate::hash::name_hash;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Records: names, and the root.
    pub records: u64,
    /// Regular files.
    pub files: u64,
    /// The sum of their sizes.
    pub bytes: u64,
    /// The digest of the tree part.
    pub tree_id: Digest,
    /// The digest of the whole image, which is its file name in the store.
    pub image_id: Digest,
}

impl Builder {
    /// Writes the image. `next_node` is the first node number that was never used: above all numbers in the tree.
    pub fn finish(self, next_node: u64, out: &mut impl io::Write) -> Result<Summary, BuildError> {
        if let Some(node) = self.nodes.iter().find(|node| node.number >= next_node) {
            return Err(BuildError::NodeNumber { node: node.number });
        }
        let order = Order::of(&self)?;
        let sections = Sections::of(&self, &order)?;
        let layout = Layout::of(sections.records(), sections.pool_len)
            .ok_or(BuildError::TooLarge { what: "too many bytes of names and attributes" })?;
        let mut tree = Sink::new(io::sink());
        sections.write_records(&mut tree)?;
        sections.write_pool(&mut tree)?;
        sections.write_slots(&mut tree)?;
        let mut identity = Sink::new(io::sink());
        sections.write_identity(&mut identity)?;
        sections.write_numbers(&mut identity)?;
        let header = HeaderFields {
            records: sections.records(),
            layout,
            next_node,
            files: sections.files,
            bytes: sections.bytes,
            tree_id: tree.finish()?,
            identity_id: identity.finish()?,
        };

        let mut file = Sink::new(out);
        file.put(&header.encode())?;
        sections.write_records(&mut file)?;
        file.pad_to(layout.pool.at)?;
        sections.write_pool(&mut file)?;
        file.pad_to(layout.slots.at)?;
        sections.write_slots(&mut file)?;
        file.pad_to(layout.identity.at)?;
        sections.write_identity(&mut file)?;
        file.pad_to(layout.numbers.at)?;
        sections.write_numbers(&mut file)?;
        debug_assert_eq!(file.at, layout.end());
        Ok(Summary {
            records: header.records,
            files: header.files,
            bytes: header.bytes,
            tree_id: header.tree_id,
            image_id: file.finish()?,
        })
    }
}

/// Everything that is known before the first byte is written.
struct Sections<'a> {
    builder: &'a Builder,
    order: &'a Order,
    slots: Slots,
    numbers: Numbers,
    pool_len: u64,
    files: u64,
    bytes: u64,
}

/// A record to be written.
struct Row<'a> {
    index: u32,
    parent: u32,
    name: &'a [u8],
    node: &'a Node,
    /// The record of the node: `index`, unless this is an alias.
    primary: u32,
}

impl<'a> Sections<'a> {
    fn of(builder: &'a Builder, order: &'a Order) -> Result<Sections<'a>, BuildError> {
        let records = u64::from(order.len());
        let (slots, numbers) = (Slots::new(records), Numbers::new(records));
        let mut sections =
            Sections { builder, order, slots, numbers, pool_len: POOL_START, files: 0, bytes: 0 };
        let number_of = |record: u32| match order.entry(record) {
            Some(entry) => builder.nodes[builder.entries[entry as usize].node as usize].number,
            None => builder.nodes[0].number,
        };
        // The first child and the number of children of the directory that the row is in.
        let mut run = (0, 0);
        for index in 0..order.len() {
            let row = row(builder, order, index);
            if let Some(entry) = order.entry(index) {
                if index == run.0 + run.1 {
                    let directory = builder.entries[entry as usize].parent;
                    run = (index, builder.nodes[directory as usize].children);
                }
                sections.slots.insert(run.0, run.1, name_hash(row.name), index);
            } else {
                run = (1, 0);
            }
            let add = |pool: u64, len: u64| pool + len + pool_padding(len);
            if row.name.len() > record::INLINE_NAME {
                sections.pool_len = add(sections.pool_len, row.name.len() as u64);
            }
            if row.primary != index {
                continue;
            }
            sections.pool_len = add(sections.pool_len, u64::from(row.node.target_len));
            sections.pool_len = add(sections.pool_len, u64::from(row.node.xattr_len));
            if row.node.is(Kind::File) {
                sections.files += 1;
                sections.bytes = (sections.bytes.checked_add(row.node.size))
                    .ok_or(BuildError::TooLarge { what: "its files have more than 2^64 bytes" })?;
            }
            let node = row.node.number;
            sections.numbers.insert(node, index, number_of).map_err(|clash| match clash {
                NumberClash::Twice => BuildError::DuplicateNode { node },
                NumberClash::TooFar => BuildError::Node { node, what: clash.what() },
            })?;
        }
        Ok(sections)
    }

    fn records(&self) -> u64 {
        u64::from(self.order.len())
    }

    fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        let (builder, order) = (self.builder, self.order);
        (0..order.len()).map(move |index| row(builder, order, index))
    }

    fn write_records(&self, sink: &mut Sink<impl io::Write>) -> io::Result<()> {
        let mut pool = POOL_START;
        let mut next_child = 1;
        self.rows().try_for_each(|row| sink.put(&encode(&row, &mut pool, &mut next_child)))
    }

    fn write_pool(&self, sink: &mut Sink<impl io::Write>) -> io::Result<()> {
        sink.put(&[0; POOL_START as usize])?;
        for row in self.rows() {
            if row.name.len() > record::INLINE_NAME {
                sink.put_pool(row.name)?;
            }
            if row.primary == row.index {
                let payload = &self.builder.payload[row.node.payload_at as usize..];
                let (target, rest) = payload.split_at(row.node.target_len as usize);
                sink.put_pool(target)?;
                sink.put_pool(&rest[..row.node.xattr_len as usize])?;
            }
        }
        Ok(())
    }

    fn write_slots(&self, sink: &mut Sink<impl io::Write>) -> io::Result<()> {
        self.slots.bytes().try_for_each(|slot| sink.put(&slot))
    }

    fn write_identity(&self, sink: &mut Sink<impl io::Write>) -> io::Result<()> {
        self.rows().try_for_each(|row| {
            let times = (row.primary == row.index).then_some((row.node.ctime, row.node.atime));
            sink.put(&encode_identity(row.node.number, times))
        })
    }

    fn write_numbers(&self, sink: &mut Sink<impl io::Write>) -> io::Result<()> {
        self.numbers.bytes().try_for_each(|number| sink.put(&number))
    }
}

fn row<'a>(builder: &'a Builder, order: &Order, index: u32) -> Row<'a> {
    match order.entry(index) {
        None => Row { index, parent: 0, name: b"", node: &builder.nodes[0], primary: 0 },
        Some(entry) => {
            let entry: &Entry = &builder.entries[entry as usize];
            Row {
                index,
                parent: order.record(entry.parent),
                name: builder.name(entry),
                node: &builder.nodes[entry.node as usize],
                primary: order.record(entry.node),
            }
        }
    }
}

/// The bytes of a record; `pool` and `next_child` go from record to record.
fn encode(row: &Row<'_>, pool: &mut u64, next_child: &mut u32) -> [u8; RECORD_LEN] {
    let mut place = |len: u64| {
        let at = *pool;
        *pool += len + pool_padding(len);
        at
    };
    let long = row.name.len() > record::INLINE_NAME;
    let name_pool = if long { place(row.name.len() as u64) } else { 0 };
    let mut fields =
        Fields { parent: row.parent, name: row.name, name_pool, link: row.primary, node: None };
    if row.primary != row.index {
        return fields.encode();
    }
    let node = row.node;
    let content = if node.is(Kind::Symlink) {
        content_of_words(place(u64::from(node.target_len)), u64::from(node.target_len))
    } else {
        node.content
    };
    let xattr = if node.xattr_len > 0 { place(u64::from(node.xattr_len)) } else { 0 };
    fields.link = if node.children > 0 { *next_child } else { 0 };
    *next_child += node.children;
    fields.node = Some(NodeFields {
        mode: node.mode,
        uid: node.uid,
        gid: node.gid,
        count: node.children,
        size: node.size,
        mtime: node.mtime,
        nlink: node.nlink,
        xattr,
        content,
    });
    fields.encode()
}

/// An output that digests what passes through, in pieces large enough for both.
struct Sink<W> {
    out: W,
    buffer: Vec<u8>,
    hasher: Hasher,
    at: u64,
}

const SINK_BUFFER: usize = 128 << 10;

impl<W: io::Write> Sink<W> {
    fn new(out: W) -> Sink<W> {
        Sink { out, buffer: Vec::with_capacity(SINK_BUFFER), hasher: Hasher::new(), at: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > SINK_BUFFER {
            self.flush()?;
        }
        self.buffer.extend_from_slice(bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// An entry of the pool and the zero bytes after it.
    fn put_pool(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(bytes)?;
        self.put(&[0; 8][..pool_padding(bytes.len() as u64) as usize])
    }

    /// Zero bytes up to the next section.
    fn pad_to(&mut self, at: u64) -> io::Result<()> {
        let zeros = [0; 64];
        let missing = at.saturating_sub(self.at) as usize;
        self.put(&zeros[..missing.min(zeros.len())])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hasher.update(&self.buffer);
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<Digest> {
        self.flush()?;
        self.out.flush()?;
        Ok(self.hasher.finish())
    }
}
