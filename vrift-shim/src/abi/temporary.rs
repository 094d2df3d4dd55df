//! Names that nobody has: mkstemp and its kin, mktemp.

use std::ffi::c_int;
use std::os::fd::IntoRawFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::args::{Failure, Template, fail};
use crate::vfs::find::{self, CWD, Work};
use crate::vfs::{Answer, make, open, stat};

/// Names tried before giving up, as in libc.
const TRIES: usize = 238_328;

/// Tries names until `make` says something else than that the name is taken. `None`: the template is not of the tree,
/// and libc's business.
pub fn fill<T>(
    template: Template,
    suffix: c_int,
    mut make: impl FnMut(&[u8]) -> Result<T, Errno>,
) -> Result<Option<T>, Errno> {
    let suffix = usize::try_from(suffix).map_err(|_| Errno::INVAL)?;
    let path = template.bytes().ok_or(Errno::FAULT)?;
    if !find::begins_inside(CWD, path)? {
        return Ok(None);
    }
    for _ in 0..TRIES {
        template.randomise(suffix)?;
        match make(template.bytes().ok_or(Errno::FAULT)?) {
            Err(Errno::EXIST) => template.restore(suffix),
            Err(errno) => {
                template.restore(suffix);
                return Err(errno);
            }
            made => return made.map(Some),
        }
    }
    Err(Errno::EXIST)
}

/// Gives what [`fill`] found, or leaves it to libc.
pub fn done<T: Failure>(made: Result<Option<T>, Errno>, kernel: impl FnOnce() -> T) -> T {
    match made {
        Ok(Some(made)) => made,
        Ok(None) => kernel(),
        Err(errno) => fail(errno),
    }
}

fn file(template: Template, suffix: c_int, flags: c_int, kernel: impl FnOnce() -> c_int) -> c_int {
    let flags = flags & !libc::O_ACCMODE | libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
    let made = fill(template, suffix, |path| {
        let mut work = Work::default();
        match open::open(CWD, Some(path), flags, 0o600, &mut work)? {
            Answer::Ours(descriptor) => Ok(descriptor),
            Answer::Elsewhere(path) => {
                let flags = OFlags::from_bits_retain(flags as u32);
                let mode = Mode::from_raw_mode(0o600);
                Ok(rustix::fs::openat(rustix::fs::CWD, path, flags, mode)?.into_raw_fd())
            }
            // The working directory was left meanwhile.
            Answer::Kernel => Err(Errno::NOENT),
        }
    });
    done(made, kernel)
}

type Plain = extern "C" fn(Template) -> c_int;
type One = extern "C" fn(Template, c_int) -> c_int;

fn plain(real: Plain, template: Template) -> c_int {
    file(template, 0, 0, || real(template))
}

spellings!(plain: fn(template: Template) -> c_int: mkstemp, mkstemp64);

fn with_flags(real: One, template: Template, flags: c_int) -> c_int {
    file(template, 0, flags, || real(template, flags))
}

spellings!(with_flags: fn(template: Template, flags: c_int) -> c_int: mkostemp, mkostemp64);

fn with_suffix(real: One, template: Template, suffix: c_int) -> c_int {
    file(template, suffix, 0, || real(template, suffix))
}

spellings!(with_suffix: fn(template: Template, suffix: c_int) -> c_int: mkstemps, mkstemps64);

fn with_both(
    real: extern "C" fn(Template, c_int, c_int) -> c_int,
    template: Template,
    suffix: c_int,
    flags: c_int,
) -> c_int {
    file(template, suffix, flags, || real(template, suffix, flags))
}

spellings!(with_both: fn(template: Template, suffix: c_int, flags: c_int) -> c_int: mkostemps, mkostemps64);

/// A name that nobody has now.
fn name(real: extern "C" fn(Template) -> Template, template: Template) -> Template {
    let made = fill(template, 0, |path| {
        let mut work = Work::default();
        match stat::at(CWD, Some(path), libc::AT_SYMLINK_NOFOLLOW, &mut work) {
            Err(Errno::NOENT) => Ok(template),
            Ok(Answer::Ours(_)) => Err(Errno::EXIST),
            Ok(Answer::Elsewhere(path)) => match rustix::fs::lstat(path) {
                Err(Errno::NOENT) => Ok(template),
                Ok(_) => Err(Errno::EXIST),
                Err(errno) => Err(errno),
            },
            Ok(Answer::Kernel) => Err(Errno::NOENT),
            Err(errno) => Err(errno),
        }
    });
    match made {
        Err(errno) => {
            template.clear();
            crate::sys::errno::set(errno);
            template
        }
        made => done(made, || real(template)),
    }
}

spellings!(name: fn(template: Template) -> Template: mktemp, __mktemp);

hook! {
    /// mkdtemp(3)
    real => fn mkdtemp(template: Template) -> Template {
        let made = fill(template, 0, |path| {
            let mut work = Work::default();
            match make::directory(CWD, Some(path), 0o700, &mut work)? {
                Answer::Ours(()) => Ok(template),
                Answer::Elsewhere(path) => {
                    rustix::fs::mkdirat(rustix::fs::CWD, path, Mode::from_raw_mode(0o700))?;
                    Ok(template)
                }
                Answer::Kernel => Err(Errno::NOENT),
            }
        });
        done(made, || real(template))
    }
}
