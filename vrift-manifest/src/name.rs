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
