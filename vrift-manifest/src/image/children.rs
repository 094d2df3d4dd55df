//! The children of a directory: one run of records, sorted by name.

use std::ops::Range;

use super::error::Damaged;
use super::open::Image;
use crate::attributes::Kind;

impl<B: AsRef<[u8]>> Image<B> {
    /// The records of a directory's children, aliases among them, in order of their names (by byte).
    #[inline]
    pub fn children(&self, index: u32) -> Result<Range<u32>, Damaged> {
        let record = self.record(index)?;
        if record.mode() & Kind::MASK != Kind::Directory as u32 {
            return Err(Damaged::new("only a directory has children", index));
        }
        let (first, count) = (record.link(), record.count());
        if count == 0 {
            return Ok(0..0);
        }
        match first.checked_add(count) {
            Some(end) if first > index && end <= self.record_count() => Ok(first..end),
            _ => Err(Damaged::new("children are outside the records after their parent", index)),
        }
    }

    /// The names in a directory, each with the primary record of its node.
    #[inline]
    pub fn entries(&self, index: u32) -> Result<Children<'_, B>, Damaged> {
        Ok(Children { image: self, directory: index, rest: self.children(index)? })
    }
}

/// The names in a directory in order, each with the primary record of its node.
///
/// A record that is not this directory's own is an error, so that a walk down visits no record twice.
#[derive(Debug)]
pub struct Children<'a, B> {
    image: &'a Image<B>,
    directory: u32,
    rest: Range<u32>,
}

impl<B> Clone for Children<'_, B> {
    fn clone(&self) -> Self {
        Children { image: self.image, directory: self.directory, rest: self.rest.clone() }
    }
}

impl<'a, B: AsRef<[u8]>> Iterator for Children<'a, B> {
    type Item = Result<(&'a [u8], u32), Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.rest.next()?;
        let child = || {
            if self.image.record(index)?.parent() != self.directory {
                return Err(Damaged::new("a child has another parent", index));
            }
            Ok((self.image.name(index)?, self.image.primary(index)?))
        };
        Some(child())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rest.size_hint()
    }
}

impl<B: AsRef<[u8]>> ExactSizeIterator for Children<'_, B> {}
