//! Extended attributes: one block of the pool per node that has any.
//!
//! A block is its total length (u32), the number of attributes (u32), and for each, sorted by name: the length of the
//! name (u16), the length of the value (u32), the name, the value.

use super::error::Damaged;
use super::open::Image;

/// The length and the number at the beginning of a block.
pub(super) const BLOCK_HEAD: usize = 8;
/// The two lengths before a name and its value.
const ITEM_HEAD: usize = 6;
/// The longest name, as in the kernel.
const NAME_MAX: usize = 255;

impl<B: AsRef<[u8]>> Image<B> {
    /// The extended attributes of a node, by its primary record, sorted by name.
    #[inline]
    pub fn xattrs(&self, index: u32) -> Result<Xattrs<'_>, Damaged> {
        let block = self.xattr_block(index)?;
        Ok(Xattrs::of_block(index, block))
    }

    /// The block of extended attributes of a node as it lies in the pool; empty if it has none.
    #[inline]
    pub fn xattr_block(&self, index: u32) -> Result<&[u8], Damaged> {
        let at = self.record(index)?.xattr();
        if at == 0 {
            return Ok(&[]);
        }
        let head = self.pool_bytes(at, BLOCK_HEAD as u64).and_then(|head| head.first_chunk());
        let block = head.and_then(|len| self.pool_bytes(at, u64::from(u32::from_le_bytes(*len))));
        block
            .filter(|block| block.len() >= BLOCK_HEAD)
            .ok_or_else(|| Damaged::new("extended attributes are outside the pool", index))
    }
}

/// Extended attributes in order of their names, as (name, value).
#[derive(Debug, Clone)]
pub struct Xattrs<'a> {
    index: u32,
    rest: &'a [u8],
    left: u32,
    last: &'a [u8],
}

impl<'a> Xattrs<'a> {
    /// The attributes in a block that is not part of an image.
    pub fn parse(block: &'a [u8]) -> Xattrs<'a> {
        Xattrs::of_block(0, block)
    }

    fn of_block(index: u32, block: &'a [u8]) -> Xattrs<'a> {
        let left = match block.get(4..BLOCK_HEAD).and_then(|count| count.first_chunk()) {
            Some(count) => u32::from_le_bytes(*count),
            None => 0,
        };
        Xattrs { index, rest: block.get(BLOCK_HEAD..).unwrap_or_default(), left, last: &[] }
    }

    fn split(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let (head, rest) = self.rest.split_at_checked(ITEM_HEAD)?;
        let name_len = usize::from(u16::from_le_bytes(*head.first_chunk()?));
        let value_len = u32::from_le_bytes(*head.last_chunk()?);
        let (name, rest) = rest.split_at_checked(name_len)?;
        let (value, rest) = rest.split_at_checked(usize::try_from(value_len).ok()?)?;
        let sound = is_name(name) && name > self.last && (self.left > 0 || rest.is_empty());
        self.rest = rest;
        self.last = name;
        sound.then_some((name, value))
    }
}

impl<'a> Iterator for Xattrs<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        match self.split() {
            Some(item) => Some(Ok(item)),
            None => {
                self.left = 0;
                Some(Err(Damaged::new("extended attributes do not fit their block", self.index)))
            }
        }
    }
}

/// Whether an extended attribute can have this name.
pub(super) fn is_name(name: &[u8]) -> bool {
    (1..=NAME_MAX).contains(&name.len()) && !name.contains(&0)
}

/// Appends a block of the attributes, which must be valid and sorted; `None` if it would be too long.
pub fn append_block(block: &mut Vec<u8>, attributes: &[(&[u8], &[u8])]) -> Option<u32> {
    let len = attributes.iter().try_fold(BLOCK_HEAD, |len, (name, value)| {
        len.checked_add(ITEM_HEAD)?.checked_add(name.len())?.checked_add(value.len())
    });
    let len = u32::try_from(len?).ok()?;
    block.extend(len.to_le_bytes());
    block.extend((attributes.len() as u32).to_le_bytes());
    for (name, value) in attributes {
        block.extend((name.len() as u16).to_le_bytes());
        block.extend((value.len() as u32).to_le_bytes());
        block.extend(*name);
        block.extend(*value);
    }
    Some(len)
}
