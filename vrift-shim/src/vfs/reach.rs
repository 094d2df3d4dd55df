//! Whether a call that looks at many paths can come to the tree at all: if not, it is all the C library's.

use vrift_manifest::tree::path::split_first;

use super::{cwd, find, lexical, session};

/// Whether what lies at or below `path` can lie in the tree: it leads there, or to a directory above the mount point.
/// With `pattern`, components with wildcards may be anything. On doubt, yes.
pub fn reaches(path: &[u8], pattern: bool) -> bool {
    let Some(given) = session::given() else { return false };
    match path.first() {
        Some(b'/') => meets(path, &given.mount, pattern) || leads(path, pattern),
        Some(b'~') if pattern => true,
        _ => match cwd::present(given) {
            Ok(cwd::Where::Apart) => lexical::climbs(path) || leads(path, pattern),
            _ => true,
        },
    }
}

/// Whether symlinks outside lead in. With a pattern there may be such behind every wildcard.
fn leads(path: &[u8], pattern: bool) -> bool {
    pattern || find::begins_inside(find::CWD, path).unwrap_or(true)
}

/// Whether one of two absolute paths leads through the other.
fn meets(mut path: &[u8], mut mount: &[u8], pattern: bool) -> bool {
    while let Some((name, behind)) = split_first(path) {
        path = behind;
        if name == b"." {
            continue;
        }
        let odd = name == b".." || pattern && name.iter().any(|byte| b"*?[{\\".contains(byte));
        let Some((wanted, rest)) = split_first(mount) else { return true };
        if odd {
            return true;
        }
        if name != wanted {
            return false;
        }
        mount = rest;
    }
    true
}
