//! Extended attributes of a tree's nodes.

use super::read::{Cursor, OF_IMAGE, Tree};
use crate::image::Damaged;
use crate::image::{Xattrs, append_block};
use crate::journal::record::PAYLOAD_MAX;

/// A block's length and count.
const BLOCK_HEAD: usize = 8;

/// Extended attributes, sorted by name.
pub type XattrList = Vec<(Vec<u8>, Vec<u8>)>;

impl Tree {
    /// All attributes of a node as one block (see [`Xattrs`]); empty if it has none.
    pub fn xattr_block(&self, at: Cursor) -> Result<Vec<u8>, Damaged> {
        let word = match at.live.and_then(|node| self.index.state(node)) {
            None => return Ok(self.image.xattr_block(at.record)?.to_vec()),
            Some(state) => state.xattrs,
        };
        if word == 0 {
            return Ok(Vec::new());
        }
        if word & OF_IMAGE != 0 {
            return Ok(self.image.xattr_block(word as u32)?.to_vec());
        }
        let mut head = [0; BLOCK_HEAD];
        self.index.read_bytes(word as usize, BLOCK_HEAD, &mut head);
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let mut block = vec![0; length.min(PAYLOAD_MAX)];
        self.index.read_bytes(word as usize, length, &mut block);
        Ok(block)
    }

    /// All attributes of a node, sorted by name.
    pub fn xattrs(&self, at: Cursor) -> Result<XattrList, Damaged> {
        list(&self.xattr_block(at)?)
    }
}

/// The attributes in a block.
pub fn list(block: &[u8]) -> Result<XattrList, Damaged> {
    Xattrs::parse(block)
        .map(|item| item.map(|(name, value)| (name.to_vec(), value.to_vec())))
        .collect()
}

/// The block of a list sorted by name; empty for none. `None`: it is longer than a record can be.
pub fn block(list: &XattrList) -> Option<Vec<u8>> {
    let mut block = Vec::new();
    if !list.is_empty() {
        let borrowed: Vec<(&[u8], &[u8])> = list.iter().map(|(n, v)| (&n[..], &v[..])).collect();
        append_block(&mut block, &borrowed)?;
    }
    (block.len() <= PAYLOAD_MAX - 64).then_some(block)
}
