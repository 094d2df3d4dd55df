//! What can be wrong with an image: seen when it is opened, or when a part of it is read.

/// Bytes that cannot be opened as an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The bytes do not begin as an image does.
    #[error("not an image: it does not begin with VRIFTIMG")]
    NotAnImage,
    /// A later version of Velo Rift wrote it.
    #[error("the image has format version {found}, and this vrift knows versions up to {known}")]
    Newer {
        /// The version in the header.
        found: u32,
        /// The newest version that can be read.
        known: u32,
    },
    /// The header is not the one that was written.
    #[error("the image's header is damaged: its checksum does not match")]
    Checksum,
    /// The header's checksum is right and its contents contradict each other.
    #[error("the image's header is damaged: {0}")]
    Header(&'static str),
    /// The image is cut short, or something follows it.
    #[error("the image has {found} bytes instead of {expected}")]
    Length {
        /// The bytes that the header tells of.
        expected: u64,
        /// The bytes that are there.
        found: u64,
    },
}

/// A part of an opened image that contradicts another part.
///
/// It says which field lied and in which record (or slot), and no more: small, so that it costs the readers nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the image is damaged: {what} ({index})")]
pub struct Damaged {
    /// What lied.
    pub what: &'static str,
    /// The index of the record or slot that was being read.
    pub index: u32,
}

impl Damaged {
    /// Out of line: the readers' fast paths stay small.
    #[cold]
    #[inline(never)]
    pub(crate) fn new(what: &'static str, index: u32) -> Damaged {
        Damaged { what, index }
    }
}
