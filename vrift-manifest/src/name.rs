//! A name is one component of a path: 1 to 255 bytes, any byte but `/` and NUL, and neither `.` nor `..`.

/// The longest name, as on ext4.
pub const NAME_MAX: usize = 255;

/// Whether `name` can stand in a directory.
pub fn is_valid(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= NAME_MAX
        && name != b"."
        && name != b".."
        && !name.iter().any(|&byte| byte == b'/' || byte == 0)
}

/// A name held in place: no allocation, as long as a name can be.
#[derive(Clone, Copy)]
pub struct NameBuf {
    length: u8,
    bytes: [u8; NAME_MAX],
}

impl Default for NameBuf {
    fn default() -> NameBuf {
        NameBuf { length: 0, bytes: [0; NAME_MAX] }
    }
}

impl NameBuf {
    /// A copy of `name`, cut at the longest length.
    pub fn of(name: &[u8]) -> NameBuf {
        let mut copy = NameBuf::default();
        let length = name.len().min(NAME_MAX);
        copy.bytes[..length].copy_from_slice(&name[..length]);
        copy.set_len(length);
        copy
    }

    pub(crate) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(crate) fn set_len(&mut self, length: usize) {
        self.length = length.min(NAME_MAX) as u8;
    }
}

impl std::ops::Deref for NameBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl std::fmt::Debug for NameBuf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}
