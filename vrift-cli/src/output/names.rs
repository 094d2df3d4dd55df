//! Names and paths in text: any byte may be in them, so what is no printable text is escaped.
//!
//! As `ls -b` does: `\n`, `\t` and the like, `\ooo` for other control bytes and for bytes that are not UTF-8, and
//! `\\` for a backslash, so that a line is always one name and can be turned back. Terminal and pipe see the same.

use std::fmt::{self, Display, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A name or path as text.
pub fn shown(name: &[u8]) -> impl Display {
    Shown(name)
}

/// A path as text.
pub fn path(path: &Path) -> impl Display {
    Shown(path.as_os_str().as_bytes())
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

struct Shown<'a>(&'a [u8]);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octal = |f: &mut fmt::Formatter<'_>, bytes: &[u8]| {
            bytes.iter().try_for_each(|byte| write!(f, "\\{byte:03o}"))
        };
        for chunk in self.0.utf8_chunks() {
            for letter in chunk.valid().chars() {
                match letter {
                    '\\' => f.write_str("\\\\")?,
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    letter if letter.is_control() || turns_text(letter) => {
                        octal(f, letter.encode_utf8(&mut [0; 4]).as_bytes())?;
                    }
                    letter => f.write_char(letter)?,
                }
            }
            octal(f, chunk.invalid())?;
        }
        Ok(())
    }
}

/// Marks that change the direction of the text after them, or break the line: a name must not dress up as another.
fn turns_text(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_shown_as_it_is() {
        assert_eq!(shown("gr\u{fc}n b.c".as_bytes()).to_string(), "gr\u{fc}n b.c");
    }

    #[test]
    fn what_is_no_printable_text_is_escaped() {
        assert_eq!(shown(b"a\nb\\c\x1b\xff").to_string(), "a\\nb\\\\c\\033\\377");
        assert_eq!(shown("\u{202e}".as_bytes()).to_string(), "\\342\\200\\256");
    }
}
