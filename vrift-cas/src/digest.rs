//! A digest is the name of a content: 32 bytes of BLAKE3, written as 64 lower-case hex digits.

mod short;

use std::fmt;
use std::str::FromStr;

use crate::layout::trash_name;

/// The BLAKE3 digest of a content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a digest: 64 lower-case hex digits are expected")]
pub struct DigestError(String);

impl Digest {
    /// The digest of no bytes at all. A store always holds it, so that an empty file needs no special case.
    pub const EMPTY: Digest = Digest([
        0xaf, 0x13, 0x49, 0xb9, 0xf5, 0xf9, 0xa1, 0xa6, 0xa0, 0x40, 0x4d, 0xea, 0x36, 0xdc, 0xc9,
        0x49, 0x9b, 0xcb, 0x25, 0xc9, 0xad, 0xc1, 0x12, 0xb7, 0xcc, 0x9a, 0x93, 0xca, 0xe4, 0x1f,
        0x32, 0x62,
    ]);

    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(short::hash(bytes).unwrap_or_else(|| *blake3::hash(bytes).as_bytes()))
    }

    /// A digest from its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// Its digits.
    pub fn digits(&self) -> [u8; 64] {
        trash_name(self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Digest, DigestError> {
        let refuse = || DigestError(text.chars().take(80).collect());
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(refuse());
        }
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(refuse()),
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Ok(Digest(bytes))
    }
}

/// Computes a digest piece by piece. Small itself: who hashes may have little stack.
#[derive(Default)]
pub struct Hasher {
    /// What was taken in, as long as it is short.
    short: Vec<u8>,
    long: Option<Box<blake3::Hasher>>,
}

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Hasher {
        Hasher::default()
    }

    /// Takes in the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        if self.long.is_none() && self.short.len() + bytes.len() <= short::MOST {
            self.short.extend_from_slice(bytes);
            return;
        }
        if self.long.is_none() {
            self.begin();
        }
        if let Some(long) = &mut self.long {
            long.update(bytes);
        }
    }

    /// It becomes long.
    #[cold]
    #[inline(never)]
    fn begin(&mut self) {
        let mut long = Box::<blake3::Hasher>::default();
        long.update(&self.short);
        self.long = Some(long);
    }

    /// Takes in so many zeros, of a hole.
    pub fn update_zeros(&mut self, mut length: u64) {
        static ZEROS: [u8; 16 << 10] = [0; 16 << 10];
        while length > 0 {
            let now = usize::try_from(length).unwrap_or(ZEROS.len()).min(ZEROS.len());
            self.update(ZEROS.get(..now).unwrap_or(&ZEROS));
            length -= now as u64;
        }
    }

    /// The digest of everything taken in.
    pub fn finish(&self) -> Digest {
        match &self.long {
            Some(long) => Digest(*long.finalize().as_bytes()),
            None => Digest::of(&self.short),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_digest_is_that_of_no_bytes() {
        assert_eq!(Digest::EMPTY, Digest::of(b""));
    }

    #[test]
    fn text_and_back_is_the_same_digest_and_other_text_is_refused() {
        let digest = Digest::of(b"content");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
        assert!("ab".parse::<Digest>().is_err());
    }
}
