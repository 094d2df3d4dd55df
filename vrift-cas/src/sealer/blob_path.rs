//! The path of a blob as bytes, for whoever asks the kernel without a library in between. One is made for each file that is
//! opened: so it is made of copies of a fixed length, and nothing looks at its bytes again.

use crate::Digest;
use crate::layout::BlobName;

/// The longest way to the blobs for which there are such paths.
const WAY: usize = 64;
/// The bytes of a blob's name.
const NAME: usize = 65;

/// The directory of the blobs, with a slash behind it.
#[derive(Debug)]
pub(super) struct Way {
    bytes: [u8; WAY],
    length: usize,
}

/// The path of a blob.
pub struct BlobPath {
    bytes: [u8; WAY + NAME + 1],
    length: usize,
}

impl Way {
    /// `None`: it is too long.
    pub(super) fn new(blobs: &[u8]) -> Option<Way> {
        let mut bytes = [0; WAY];
        bytes.get_mut(..blobs.len())?.copy_from_slice(blobs);
        Some(Way { bytes, length: blobs.len() })
    }

    #[inline(always)]
    pub(super) fn to(&self, digest: &Digest) -> Option<BlobPath> {
        let mut path = BlobPath { bytes: [0; WAY + NAME + 1], length: self.length + NAME };
        path.bytes.first_chunk_mut::<WAY>()?.copy_from_slice(&self.bytes);
        let room = path.bytes.get_mut(self.length..)?.first_chunk_mut::<NAME>()?;
        room.copy_from_slice(BlobName::of(digest).path());
        Some(path)
    }
}

impl BlobPath {
    /// Its bytes, with the NUL behind them.
    #[inline(always)]
    pub fn with_nul(&self) -> &[u8] {
        self.bytes.get(..=self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealer::Sealer;

    #[test]
    fn the_bytes_are_those_of_the_path() {
        for (place, length) in [1, 2, 40, WAY - 8, WAY - 7, WAY, 200].into_iter().enumerate() {
            let root = [&b"/"[..], &vec![b'r'; length - 1]].concat();
            let (sealer, digest) = (Sealer::new(&root), Digest::of(&[place as u8]));
            let path = sealer.with_blob(&digest, |path| Ok(path.to_bytes_with_nul().to_vec()));
            let bytes = sealer.blob_path(&digest);
            assert_eq!(bytes.is_some(), length <= WAY - b"/blobs/".len());
            if let Some(bytes) = bytes {
                assert_eq!(Ok(bytes.with_nul().to_vec()), path);
            }
        }
    }
}
