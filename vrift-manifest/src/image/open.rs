//! Opening: check the header and the bounds of the sections, and nothing else, so that it takes constant time.

use std::ops::Range;

use vrift_cas::Digest;

use super::error::OpenError;
use super::layout::{HEADER_LEN, Layout, MAGIC, Section, VERSION, header};

/// An opened image over bytes that somebody else keeps: a mapping, a vector, a slice.
///
/// The bytes must not change while the image is open. If they do, answers change with them; nothing worse happens.
#[derive(Debug)]
pub struct Image<B> {
    pub(super) source: B,
    pub(super) records: Range<usize>,
    pub(super) pool: Range<usize>,
    pub(super) slots: Range<usize>,
    pub(super) identity: Range<usize>,
    pub(super) numbers: Range<usize>,
    pub(super) record_count: u32,
    next_node: u64,
    files: u64,
    bytes: u64,
    tree_id: Digest,
    identity_id: Digest,
}

impl<B: AsRef<[u8]>> Image<B> {
    /// Opens an image. It takes the same time for any size, and touches only the first 256 bytes.
    pub fn open(source: B) -> Result<Image<B>, OpenError> {
        Image::open_with(source, |head| u64_at(head, header::CHECKSUM) == checksum(head))
    }

    /// As [`open`](Image::open), of an image that a live index was built over: then its header was found whole. The digest
    /// is left out, which a short process has no other use for: to find out how to compute one takes longer than the
    /// rest. All that the bounds of later accesses depend on is looked at as ever.
    pub(crate) fn open_again(source: B) -> Result<Image<B>, OpenError> {
        Image::open_with(source, |_| true)
    }

    fn open_with(
        source: B,
        is_whole: impl FnOnce(&[u8; HEADER_LEN]) -> bool,
    ) -> Result<Image<B>, OpenError> {
        let bytes = source.as_ref();
        if !bytes.starts_with(&MAGIC) {
            return Err(OpenError::NotAnImage);
        }
        let short = OpenError::Length { expected: HEADER_LEN as u64, found: bytes.len() as u64 };
        let head = bytes.first_chunk::<HEADER_LEN>().ok_or(short)?;
        let version = u32_at(head, header::VERSION);
        if version > VERSION {
            return Err(OpenError::Newer { found: version, known: VERSION });
        }
        if !is_whole(head) {
            return Err(OpenError::Checksum);
        }
        if version != VERSION {
            return Err(OpenError::Header("there never was such a version"));
        }
        if u32_at(head, header::HEADER_LEN) != HEADER_LEN as u32 {
            return Err(OpenError::Header("its length is not 256"));
        }
        if head[header::RESERVED..header::CHECKSUM].iter().any(|&byte| byte != 0) {
            return Err(OpenError::Header("its reserved bytes are not zero"));
        }
        let stated: [Section; 5] = std::array::from_fn(|place| {
            let at = header::SECTIONS + 16 * place;
            Section { at: u64_at(head, at), len: u64_at(head, at + 8) }
        });
        let record_count = u64_at(head, header::RECORD_COUNT);
        let layout = Layout::of(record_count, stated[1].len)
            .filter(|layout| layout.sections() == stated)
            .ok_or(OpenError::Header("its sections do not fit together"))?;
        if layout.end() != bytes.len() as u64 {
            return Err(OpenError::Length { expected: layout.end(), found: bytes.len() as u64 });
        }
        // Nothing is cut off below: the layout ends where the bytes end, and has at most MAX_RECORDS records.
        let range = |section: Section| section.at as usize..(section.at + section.len) as usize;
        let files = u64_at(head, header::FILES);
        let next_node = u64_at(head, header::NEXT_NODE);
        if files >= record_count {
            return Err(OpenError::Header("it has more files than records"));
        }
        if next_node < 2 {
            return Err(OpenError::Header("its next node number is taken"));
        }
        Ok(Image {
            records: range(layout.records),
            pool: range(layout.pool),
            slots: range(layout.slots),
            identity: range(layout.identity),
            numbers: range(layout.numbers),
            record_count: record_count as u32,
            next_node,
            files,
            bytes: u64_at(head, header::BYTES),
            tree_id: digest_at(head, header::TREE_ID),
            identity_id: digest_at(head, header::IDENTITY_ID),
            source,
        })
    }

    /// What keeps the bytes, as it was given to [`open`](Image::open).
    #[inline]
    pub fn source(&self) -> &B {
        &self.source
    }

    /// All bytes of the image.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.source.as_ref()
    }

    /// The bytes of a section.
    #[inline(always)]
    pub(super) fn section(&self, section: &Range<usize>) -> &[u8] {
        // Always there, unless `as_ref` gives other bytes than it gave to `open`.
        self.source.as_ref().get(section.clone()).unwrap_or_default()
    }

    /// The records, aliases included: the number of names, and 1 for the root.
    #[inline]
    pub fn record_count(&self) -> u32 {
        self.record_count
    }

    /// The first node number that was never used.
    #[inline]
    pub fn next_node(&self) -> u64 {
        self.next_node
    }

    /// The number of regular files. A file with several names counts once.
    #[inline]
    pub fn files(&self) -> u64 {
        self.files
    }

    /// The sum of their sizes.
    #[inline]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The digest of the tree part: equal for equal trees, as the header states it.
    #[inline]
    pub fn tree_id(&self) -> Digest {
        self.tree_id
    }

    /// The digest of the identity part, as the header states it.
    #[inline]
    pub fn identity_id(&self) -> Digest {
        self.identity_id
    }
}

/// The header's own checksum: the beginning of the digest of the header with the checksum field zero.
pub(super) fn checksum(head: &[u8; HEADER_LEN]) -> u64 {
    let mut zeroed = *head;
    zeroed[header::CHECKSUM..].fill(0);
    u64_at(Digest::of(&zeroed).as_bytes(), 0)
}

/// A number of the header. The offsets are constants within the array.
#[inline(always)]
pub(super) fn u64_at<const N: usize>(bytes: &[u8; N], at: usize) -> u64 {
    u64::from_le_bytes(chunk(bytes, at))
}

/// As `u64_at`.
#[inline(always)]
pub(super) fn u32_at<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_le_bytes(chunk(bytes, at))
}

/// As `u64_at`.
#[inline(always)]
pub(super) fn u16_at<const N: usize>(bytes: &[u8; N], at: usize) -> u16 {
    u16::from_le_bytes(chunk(bytes, at))
}

/// As `u64_at`.
#[inline(always)]
pub(super) fn digest_at<const N: usize>(bytes: &[u8; N], at: usize) -> Digest {
    Digest::from_bytes(chunk(bytes, at))
}

/// The `K` bytes at a constant place of an array; the compiler sees that they are inside it.
#[inline(always)]
pub(super) fn chunk<const N: usize, const K: usize>(bytes: &[u8; N], at: usize) -> [u8; K] {
    let mut out = [0; K];
    out.copy_from_slice(&bytes[at..at + K]);
    out
}
