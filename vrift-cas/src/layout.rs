//! Where things are in a store: pure, no system calls.
//!
//! A blob's place is `blobs/` + the first two digits of its digest + `/` + the other 62, so that no
//! directory holds more than a 256th of the store.

use crate::Digest;

pub(crate) const FORMAT: &str = "format";
pub(crate) const BOOT: &str = "boot";
pub(crate) const MARK: &str = "mark";
pub(crate) const MARK_BEFORE: &str = "mark.before";
pub(crate) const BLOBS: &str = "blobs";
pub(crate) const STAGING: &str = "staging";
pub(crate) const TRASH: &str = "trash";
pub(crate) const ACTIVE: &str = "active";
/// Made on demand.
pub(crate) const DAMAGED: &str = "damaged";
pub(crate) const IMAGES: &str = "images";
pub(crate) const JOURNALS: &str = "journals";
pub(crate) const WORKSPACES: &str = "workspaces";

/// Every directory that a store is created with.
pub(crate) const DIRECTORIES: [&str; 7] =
    [BLOBS, STAGING, TRASH, ACTIVE, IMAGES, JOURNALS, WORKSPACES];

/// The mode of a blob: readable and executable by all, writable by nobody. The sticky bit tells those
/// who have an open descriptor and one `fstat` that the file is the store's.
pub(crate) const BLOB_MODE: u32 = 0o1555;

/// The mode of every directory of a store.
pub(crate) const DIRECTORY_MODE: u32 = 0o700;

/// The path of a blob below `blobs/`.
#[derive(Clone, Copy)]
pub(crate) struct BlobName([u8; 65]);

impl BlobName {
    #[inline]
    pub(crate) fn of(digest: &Digest) -> BlobName {
        let hex = trash_name(digest);
        let mut name = [b'/'; 65];
        name[..2].copy_from_slice(&hex[..2]);
        name[3..].copy_from_slice(&hex[2..]);
        BlobName(name)
    }

    /// `ab/cdef...`
    #[inline]
    pub(crate) fn path(&self) -> &[u8] {
        &self.0
    }

    /// `ab`
    pub(crate) fn directory(&self) -> &[u8] {
        &self.0[..2]
    }
}

/// The name of a blob in `trash/`: all 64 digits.
#[inline]
pub(crate) fn trash_name(digest: &Digest) -> [u8; 64] {
    let mut hex = [0; 64];
    for (digits, byte) in hex.as_chunks_mut().0.iter_mut().zip(digest.as_bytes()) {
        *digits = hex_of(*byte);
    }
    hex
}

/// Both digits of a byte in one word, without a branch: so that the compiler does many at a time, for this is done for each
/// file that is opened.
#[inline(always)]
fn hex_of(byte: u8) -> [u8; 2] {
    let byte = u16::from(byte);
    let halves = byte >> 4 | (byte & 0xf) << 8;
    // 1 where the digit is a letter: those come 39 places behind where they would follow the 9.
    let letters = ((halves + 0x0606) >> 4) & 0x0101;
    (halves + 0x3030 + letters * u16::from(b'a' - b'9' - 1)).to_le_bytes()
}

/// The digest whose blob is called `name` in the directory `directory` of `blobs/`.
pub(crate) fn digest_of(directory: &[u8], name: &[u8]) -> Option<Digest> {
    if directory.len() != 2 || name.len() != 62 {
        return None;
    }
    digest_of_hex(&[directory, name].concat())
}

/// The digest written as `hex`.
pub(crate) fn digest_of_hex(hex: &[u8]) -> Option<Digest> {
    std::str::from_utf8(hex).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_blob_names_its_digest() {
        let digest = Digest::of(b"x");
        let name = BlobName::of(&digest);
        let (directory, file) = (name.directory(), &name.path()[3..]);
        assert_eq!(name.path()[2], b'/');
        assert_eq!(digest_of(directory, file), Some(digest));
        assert_eq!(digest_of_hex(&trash_name(&digest)), Some(digest));
        assert_eq!([0x09, 0xaf, 0x5a, 0xf0].map(hex_of), [*b"09", *b"af", *b"5a", *b"f0"]);
        assert_eq!(digest_of(b"ab", &file[1..]), None);
        assert_eq!(digest_of(b"AB", file), None);
    }
}
