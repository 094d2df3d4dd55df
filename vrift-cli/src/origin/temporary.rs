//! Names that an apply uses while it works. One that was killed leaves them; no scan takes them for a part of the tree.

use std::ffi::CString;
use std::sync::atomic::{AtomicU64, Ordering};

const START: &[u8] = b".vrift-apply-";
/// What is being written: never needed if the writer is gone.
const PART: &[u8] = b".part";
/// What is whole and is to change places with the one that it replaces, or has done so.
const WHOLE: &[u8] = b".swap";

/// Whether a name is one of those.
pub fn is_temporary(name: &[u8]) -> bool {
    let inside = name
        .strip_prefix(START)
        .and_then(|rest| rest.strip_suffix(PART).or_else(|| rest.strip_suffix(WHOLE)));
    let Some((id, number)) = inside.and_then(|inside| inside.split_at_checked(32)) else {
        return false;
    };
    let Some((b'-', digits)) = number.split_first() else { return false };
    id.iter().all(u8::is_ascii_hexdigit)
        && !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
}

/// Whether what has this name was being written.
pub fn is_part(name: &[u8]) -> bool {
    is_temporary(name) && name.ends_with(PART)
}

/// Whether it belongs to this workspace.
pub fn is_of(name: &[u8], workspace: &str) -> bool {
    let rest = name.strip_prefix(START);
    is_temporary(name) && rest.is_some_and(|rest| rest.starts_with(workspace.as_bytes()))
}

/// Makes names that nothing has yet.
pub struct Names {
    id: String,
    next: AtomicU64,
}

impl Names {
    /// Those of the workspace with this id. One apply at a time uses them.
    pub fn of(id: &str) -> Names {
        Names { id: id.to_owned(), next: AtomicU64::new(0) }
    }

    /// For what is to be written.
    pub fn part(&self) -> CString {
        self.name(PART)
    }

    /// For what is whole.
    pub fn whole(&self) -> CString {
        self.name(WHOLE)
    }

    fn name(&self, end: &[u8]) -> CString {
        let number = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let name = [START, self.id.as_bytes(), b"-", number.as_bytes(), end].concat();
        // An id is hexadecimal digits.
        CString::new(name).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_an_apply_are_known_and_others_are_not() {
        let id = "0123456789abcdef0123456789abcdef";
        let names = Names::of(id);
        let (part, whole) = (names.part(), names.whole());
        assert!(is_part(part.to_bytes()) && is_of(part.to_bytes(), id));
        assert!(is_temporary(whole.to_bytes()) && !is_part(whole.to_bytes()));
        assert!(!is_of(whole.to_bytes(), "1123456789abcdef0123456789abcdef"));
        for name in [".vrift-apply-", ".vrift-apply-x-1.part", ".vrift-export-1-2", "a.swap"] {
            assert!(!is_temporary(name.as_bytes()), "{name}");
        }
    }
}
