//! Paths without a symlink, which nearly all are: the kernel can be asked in a way that follows none, and says so if it meets
//! one. Then one call tells what a walk along the path would.

use std::ffi::{CStr, c_int};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::fs::CWD;
use rustix::io::Errno;
use vrift_manifest::tree::path::{last_slash, split_first};

use crate::sys::{alone, fd, marked, played};

/// Whether the kernel can be asked: the system, a filter or valgrind may know nothing of such a call.
static KNOWN: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
const YES: u8 = 1;
const NO: u8 = 2;

#[cold]
#[inline(never)]
fn find_out() -> u8 {
    let known = if played::is() { NO } else { YES };
    KNOWN.store(known, Ordering::Relaxed);
    known
}

/// Opens a path; `None`: there is a symlink, or it is not known.
#[inline]
pub fn open(from: BorrowedFd<'_>, path: &CStr, flags: c_int) -> Option<Result<c_int, Errno>> {
    let known = match KNOWN.load(Ordering::Relaxed) {
        UNKNOWN => find_out(),
        known => known,
    };
    if known == NO {
        return None;
    }
    let how = marked::How::new(flags, libc::RESOLVE_NO_SYMLINKS);
    match marked::openat2(from, path, &how) {
        Ok(file) => Some(Ok(file)),
        Err(errno @ (Errno::NOENT | Errno::NOTDIR | Errno::ACCESS)) => Some(Err(errno)),
        Err(errno) => {
            let not_owner = errno == Errno::PERM && flags & libc::O_NOATIME != 0;
            if matches!(errno, Errno::NOSYS | Errno::PERM) && !not_owner {
                KNOWN.store(NO, Ordering::Relaxed);
            }
            None
        }
    }
}

/// The longest path that is asked about: longer ones are walked.
const LONGEST: usize = 320;

/// What is known of the way of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It is there, and nothing but names of directories and a last one.
    Plain,
    /// It does not lead in.
    Apart,
    /// It does not; but another last name would.
    Beside,
}

/// Whether an absolute path stays outside: `part` of it decides that. `None`: it has to be walked.
#[inline(never)]
pub fn way(path: &[u8], part: &[u8], border: &[u8]) -> Option<Way> {
    // With other threads, the descriptor that is open meanwhile could be the one that they lack.
    if part.len() >= LONGEST || !alone::is() {
        return None;
    }
    let steps = Steps::along(path, border)?;
    let mut text = [0; LONGEST];
    text.get_mut(..part.len())?.copy_from_slice(part);
    let text = CStr::from_bytes_until_nul(&text).ok()?;
    let opened = open(CWD, text, libc::O_PATH | libc::O_CLOEXEC)?.map(fd::close_own);
    let beside = part.len() < path.len() && steps == Steps::Beside;
    Some(match opened {
        _ if beside => Way::Beside,
        Ok(()) if steps == Steps::Names => Way::Plain,
        _ => Way::Apart,
    })
}

/// Asks the kernel, now, for the end of an absolute path that is nothing but names, none of them a symlink; or why it has none.
/// `None`: it is another one, or leads to the border.
#[inline(never)]
pub fn ends(path: &[u8], border: &[u8]) -> Option<Result<(), Errno>> {
    if path.len() >= LONGEST || !alone::is() || Steps::along(path, border)? != Steps::Names {
        return None;
    }
    let mut text = [0; LONGEST];
    text.get_mut(..path.len())?.copy_from_slice(path);
    let text = CStr::from_bytes_until_nul(&text).ok()?;
    Some(open(CWD, text, libc::O_PATH | libc::O_CLOEXEC)?.map(fd::close_own))
}

/// What the words of a path are, if none of them is a symlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steps {
    /// Names, between single slashes.
    Names,
    /// Others, too.
    Odd,
    /// Others, too, and the last of them is in the directory of the border.
    Beside,
}

impl Steps {
    /// Goes along a path; `None`: over the border, or further than there is room.
    fn along(path: &[u8], border: &[u8]) -> Option<Steps> {
        let mut room = [0; LONGEST];
        let (mut length, mut odd, mut rest) = (0, path.ends_with(b"/"), path);
        while let Some((name, behind)) = split_first(rest) {
            odd |= rest.len() != name.len() + behind.len() + 1;
            rest = behind;
            match name {
                b"." => odd = true,
                b".." => {
                    odd = true;
                    length = last_slash(room.get(..length)?).unwrap_or(0);
                }
                _ => {
                    let end = length + 1 + name.len();
                    let (slash, text) = room.get_mut(length..end)?.split_first_mut()?;
                    *slash = b'/';
                    text.copy_from_slice(name);
                    length = end;
                    if room.get(..length)? == border {
                        return None;
                    }
                }
            }
        }
        let above = last_slash(room.get(..length)?).unwrap_or(0);
        let beside = room.get(..above)? == border.get(..last_slash(border)?)?;
        Some(match odd {
            false => Steps::Names,
            true if beside => Steps::Beside,
            true => Steps::Odd,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BORDER: &[u8] = b"/home/me/tree";

    fn along(path: &str) -> Option<Steps> {
        Steps::along(path.as_bytes(), BORDER)
    }

    #[test]
    fn plain_names_are_told_from_other_words() {
        assert_eq!(along("/usr/lib/x"), Some(Steps::Names));
        for odd in [
            "/usr/lib/",
            "/usr/lib//",
            "/usr//lib",
            "//usr/lib",
            "/usr/./lib",
            "/usr/x/../lib",
            "/usr/..",
        ] {
            assert_eq!(along(odd), Some(Steps::Odd), "{odd}");
        }
    }

    #[test]
    fn a_path_that_comes_to_the_border_has_to_be_walked() {
        for over in [
            "/home/me/tree",
            "/home/me/tree/x",
            "/home/x/../me/tree",
            "/home/me//tree/..",
            "/../home/./me/tree/../y",
        ] {
            assert_eq!(along(over), None, "{over}");
        }
        assert_eq!(along("/home/me/tree2"), Some(Steps::Names));
        assert_eq!(along(&format!("/{}", "x".repeat(LONGEST))), None);
    }

    #[test]
    fn where_another_last_name_would_lead_in_is_told() {
        assert_eq!(along("/home/me/./x"), Some(Steps::Beside));
        assert_eq!(along("/home/you/../me/x"), Some(Steps::Beside));
        assert_eq!(along("/home/./x"), Some(Steps::Odd));
        // Spelled out, it would be the border itself, which is seen by its words.
        assert_eq!(along("/home/me/x"), Some(Steps::Names));
    }
}
