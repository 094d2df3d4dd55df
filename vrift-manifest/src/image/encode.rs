//! From values to the bytes of a record, an identity and a header: the only place that writes them.
//!
//! The builder encodes what it was given; the check encodes what it read and compares, so that no byte of a record is
//! without a meaning.

use vrift_cas::Digest;

use super::layout::{
    HEADER_LEN, IDENTITY_LEN, Layout, MAGIC, RECORD_LEN, VERSION, header, identity, record,
};
use super::open::checksum;
use crate::time::Timestamp;

/// The fields of a record.
pub(super) struct Fields<'a> {
    pub parent: u32,
    pub name: &'a [u8],
    /// Where a long name is in the pool; unused for a short one.
    pub name_pool: u64,
    /// First child or primary.
    pub link: u32,
    /// `None` for an alias.
    pub node: Option<NodeFields>,
}

/// The fields that only a primary record has.
#[derive(Clone, Copy)]
pub(super) struct NodeFields {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub count: u32,
    pub size: u64,
    pub mtime: Timestamp,
    pub nlink: u32,
    pub xattr: u64,
    pub content: [u8; 32],
}

fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    out[at..at + N].copy_from_slice(&bytes);
}

impl Fields<'_> {
    /// The bytes of the record.
    pub fn encode(&self) -> [u8; RECORD_LEN] {
        let mut out = [0; RECORD_LEN];
        put(&mut out, record::PARENT, self.parent.to_le_bytes());
        put(&mut out, record::LINK, self.link.to_le_bytes());
        put(&mut out, record::NAME_LEN, (self.name.len() as u16).to_le_bytes());
        if self.name.len() <= record::INLINE_NAME {
            out[record::NAME..][..self.name.len()].copy_from_slice(self.name);
        } else {
            put(&mut out, record::NAME_POOL, self.name_pool.to_le_bytes());
            out[record::NAME_PREFIX..record::NAME_END]
                .copy_from_slice(&self.name[..record::PREFIX_LEN]);
        }
        let Some(node) = self.node else {
            put(&mut out, record::FLAGS, record::ALIAS.to_le_bytes());
            return out;
        };
        put(&mut out, record::MODE, node.mode.to_le_bytes());
        put(&mut out, record::UID, node.uid.to_le_bytes());
        put(&mut out, record::GID, node.gid.to_le_bytes());
        put(&mut out, record::COUNT, node.count.to_le_bytes());
        put(&mut out, record::SIZE, node.size.to_le_bytes());
        put(&mut out, record::MTIME_SEC, node.mtime.sec.to_le_bytes());
        put(&mut out, record::MTIME_NSEC, node.mtime.nsec.to_le_bytes());
        put(&mut out, record::NLINK, node.nlink.to_le_bytes());
        put(&mut out, record::XATTR, node.xattr.to_le_bytes());
        put(&mut out, record::CONTENT, node.content);
        out
    }
}

/// The content field of a symlink or a device.
pub(super) fn content_of_words(first: u64, second: u64) -> [u8; 32] {
    let mut out = [0; 32];
    put(&mut out, 0, first.to_le_bytes());
    put(&mut out, 8, second.to_le_bytes());
    out
}

/// The bytes of an identity; an alias has only its primary's number.
pub(super) fn encode_identity(
    node: u64,
    times: Option<(Timestamp, Timestamp)>,
) -> [u8; IDENTITY_LEN] {
    let mut out = [0; IDENTITY_LEN];
    put(&mut out, identity::NODE, node.to_le_bytes());
    if let Some((ctime, atime)) = times {
        put(&mut out, identity::CTIME_SEC, ctime.sec.to_le_bytes());
        put(&mut out, identity::ATIME_SEC, atime.sec.to_le_bytes());
        put(&mut out, identity::CTIME_NSEC, ctime.nsec.to_le_bytes());
        put(&mut out, identity::ATIME_NSEC, atime.nsec.to_le_bytes());
    }
    out
}

/// The values of a header.
pub(super) struct HeaderFields {
    pub records: u64,
    pub layout: Layout,
    pub next_node: u64,
    pub files: u64,
    pub bytes: u64,
    pub tree_id: Digest,
    pub identity_id: Digest,
}

impl HeaderFields {
    /// The bytes of the header, checksum included.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        put(&mut out, 0, MAGIC);
        put(&mut out, header::VERSION, VERSION.to_le_bytes());
        put(&mut out, header::HEADER_LEN, (HEADER_LEN as u32).to_le_bytes());
        put(&mut out, header::RECORD_COUNT, self.records.to_le_bytes());
        for (place, section) in self.layout.sections().into_iter().enumerate() {
            let at = header::SECTIONS + 16 * place;
            put(&mut out, at, section.at.to_le_bytes());
            put(&mut out, at + 8, section.len.to_le_bytes());
        }
        put(&mut out, header::NEXT_NODE, self.next_node.to_le_bytes());
        put(&mut out, header::FILES, self.files.to_le_bytes());
        put(&mut out, header::BYTES, self.bytes.to_le_bytes());
        put(&mut out, header::TREE_ID, *self.tree_id.as_bytes());
        put(&mut out, header::IDENTITY_ID, *self.identity_id.as_bytes());
        let sum = checksum(&out);
        put(&mut out, header::CHECKSUM, sum.to_le_bytes());
        out
    }
}
