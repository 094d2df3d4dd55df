//! Paths as the kernel takes them apart: bytes between slashes.

/// The longest path including its NUL, as in Linux.
pub const PATH_MAX: usize = 4096;

/// Takes the first component off `path`: the component, and what follows it with its slashes. `None` when only
/// slashes are left.
pub fn split_first(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = path.iter().position(|&byte| byte != b'/')?;
    let rest = &path[start..];
    let end = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
    Some((&rest[..end], &rest[end..]))
}

/// Whether nothing but slashes follows.
pub fn is_end(path: &[u8]) -> bool {
    path.iter().all(|&byte| byte == b'/')
}

/// What of `path` lies below `prefix` (both absolute, `prefix` without a trailing slash), matched by whole components.
pub fn below<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest[0] == b'/').then_some(rest)
}
