//! The file `format`: says that a directory is a store, which version wrote it, and the store's name.
//!
//! ```text
//! vrift store 1
//! id 0123456789abcdef0123456789abcdef
//! ```

use std::path::Path;

use crate::error::StoreError;

/// The version that this code writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;

/// The text of the file for the store named `id`.
pub(super) fn text(id: &str) -> String {
    format!("vrift store {VERSION}\nid {id}\n")
}

/// The id in `text`, the content of the file `format` of the store at `path`.
pub(super) fn parse(path: &Path, text: &[u8]) -> Result<String, StoreError> {
    let not_a_store = |why: &str| StoreError::NotAStore { path: path.into(), why: why.into() };
    let text =
        std::str::from_utf8(text).map_err(|_| not_a_store("its file 'format' is no text"))?;
    let mut lines = text.lines();
    let version = lines
        .next()
        .and_then(|line| line.strip_prefix("vrift store "))
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| {
            not_a_store("its file 'format' does not begin with 'vrift store' and a number")
        })?;
    // Only the first line is the same in all versions. A number too large for the type is newer, too.
    match version.parse::<u32>() {
        Ok(VERSION) => {}
        Ok(0) => return Err(not_a_store("its file 'format' says version 0")),
        _ => {
            let found: String = version.chars().take(20).collect();
            return Err(StoreError::Newer { path: path.into(), found, supported: VERSION });
        }
    }
    lines
        .next()
        .and_then(|line| line.strip_prefix("id "))
        .filter(|id| id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
        .map(str::to_owned)
        .ok_or_else(|| not_a_store("its file 'format' has no line 'id' with 32 hex digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_anything_else_is_refused() {
        let id = "0123456789abcdef0123456789abcdef";
        let read = |text: &str| parse(Path::new("/s"), text.as_bytes());
        assert_eq!(read(&text(id)).expect("own text"), id);
        assert!(matches!(read("vrift store 2\nwhatever"), Err(StoreError::Newer { .. })));
        assert!(matches!(read("vrift store 99999999999\n"), Err(StoreError::Newer { .. })));
        for text in ["", "vrift store", "vrift store \n", "vrift store 1\n", "vrift store 0\n", "x"]
        {
            assert!(matches!(read(text), Err(StoreError::NotAStore { .. })), "{text:?}");
        }
        assert!(matches!(read("vrift store 1\nid 0123\n"), Err(StoreError::NotAStore { .. })));
    }
}
