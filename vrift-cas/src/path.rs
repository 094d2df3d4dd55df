//! Paths put together in memory of the caller's stack: for those who may not allocate.

use std::ffi::CStr;

use rustix::io::Errno;

/// The longest path with its NUL, as in Linux.
const PATH_MAX: usize = 4096;

/// Nearly all paths are shorter, and less memory has to be cleared for them.
const USUAL: usize = 256;

/// Runs `work` with the path that `parts` make, one behind the other. ENAMETOOLONG where it is too long for one.
#[inline]
pub fn with_path<T>(
    parts: &[&[u8]],
    work: impl FnOnce(&CStr) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    if length < USUAL { within::<USUAL, T>(parts, work) } else { long(parts, work) }
}

// Out of line, so that the large buffer is on the stack only when it is needed.
#[inline(never)]
fn long<T>(parts: &[&[u8]], work: impl FnOnce(&CStr) -> Result<T, Errno>) -> Result<T, Errno> {
    within::<PATH_MAX, T>(parts, work)
}

#[inline(always)]
fn within<const N: usize, T>(
    parts: &[&[u8]],
    work: impl FnOnce(&CStr) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let mut path = [0; N];
    let mut length = 0;
    for part in parts {
        let room = path.get_mut(length..length + part.len()).ok_or(Errno::NAMETOOLONG)?;
        room.copy_from_slice(part);
        length += part.len();
    }
    let path = path.get(..=length).ok_or(Errno::NAMETOOLONG)?;
    work(CStr::from_bytes_with_nul(path).map_err(|_| Errno::INVAL)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(parts: &[&[u8]]) -> Result<Vec<u8>, Errno> {
        with_path(parts, |path| Ok(path.to_bytes().to_vec()))
    }

    #[test]
    fn a_path_is_its_parts_up_to_the_longest_that_the_kernel_takes() {
        assert_eq!(joined(&[b"/a", b"/", b"b"]), Ok(b"/a/b".to_vec()));
        for length in [0, 1, 254, 255, 256, 257, 4094, 4095] {
            let part = vec![b'x'; length];
            assert_eq!(joined(&[&part]), Ok(part.clone()));
        }
        assert_eq!(joined(&[&[b'x'; 4096]]), Err(Errno::NAMETOOLONG));
        assert_eq!(joined(&[b"a\0b"]), Err(Errno::INVAL));
    }
}
