//! The calls on paths and what their arguments are, so that one way leads from each to the body that answers it.

use std::ffi::c_long;

use Argument::{Bytes, Descriptor, Directory, Into, Number, Path, Room, Text};
use libc::*;

/// What an argument is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// A number, which counts as it stands.
    Number,
    /// Where the path behind it begins.
    Directory,
    /// A path.
    Path,
    /// An open file.
    Descriptor,
    /// A text that is no path.
    Text,
    /// So many bytes, which are read, or null.
    Bytes(usize),
    /// As many bytes as another argument says, which are read.
    BytesOf(usize),
    /// So many bytes, which are written.
    Into(usize),
    /// Room for as many bytes as another argument says, of which the call fills as many as it returns.
    Room(usize),
}

/// What a call makes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Makes {
    /// Nothing that has a mode.
    Nothing,
    /// Something whose mode the umask cuts.
    New,
    /// A descriptor, with open's flags in this argument, and maybe a file.
    Open(usize),
}

/// A call.
pub struct Call {
    /// Its number.
    pub number: c_long,
    /// Its arguments.
    pub arguments: &'static [Argument],
    /// What it makes.
    pub makes: Makes,
}

/// faccessat2, which the crate has by no name that fits.
const FACCESSAT2: c_long = 439;
const FCHMODAT2: c_long = 452;

const STAT: usize = size_of::<stat64>();
const STATX: usize = size_of::<statx>();
const STATFS: usize = size_of::<statfs64>();

const fn plain(number: c_long, arguments: &'static [Argument]) -> Call {
    Call { number, arguments, makes: Makes::Nothing }
}

const fn new(number: c_long, arguments: &'static [Argument]) -> Call {
    Call { number, arguments, makes: Makes::New }
}

const fn opens(number: c_long, arguments: &'static [Argument], flags: usize) -> Call {
    Call { number, arguments, makes: Makes::Open(flags) }
}

/// Without a flag: always to write, and made.
pub const CREAT: usize = usize::MAX;

/// All of them.
pub const CALLS: &[Call] = &[
    opens(SYS_open, &[Path, Number, Number], 1),
    opens(SYS_creat, &[Path, Number], CREAT),
    opens(SYS_openat, &[Directory, Path, Number, Number], 2),
    opens(SYS_openat2, &[Directory, Path, Argument::BytesOf(3), Number], 2),
    plain(SYS_stat, &[Path, Into(STAT)]),
    plain(SYS_lstat, &[Path, Into(STAT)]),
    plain(SYS_fstat, &[Descriptor, Into(STAT)]),
    plain(SYS_newfstatat, &[Directory, Path, Into(STAT), Number]),
    plain(SYS_statx, &[Directory, Path, Number, Number, Into(STATX)]),
    plain(SYS_access, &[Path, Number]),
    plain(SYS_faccessat, &[Directory, Path, Number]),
    plain(FACCESSAT2, &[Directory, Path, Number, Number]),
    plain(SYS_readlink, &[Path, Room(2), Number]),
    plain(SYS_readlinkat, &[Directory, Path, Room(3), Number]),
    plain(SYS_getdents64, &[Descriptor, Room(2), Number]),
    plain(SYS_unlink, &[Path]),
    plain(SYS_rmdir, &[Path]),
    plain(SYS_unlinkat, &[Directory, Path, Number]),
    plain(SYS_rename, &[Path, Path]),
    plain(SYS_renameat, &[Directory, Path, Directory, Path]),
    plain(SYS_renameat2, &[Directory, Path, Directory, Path, Number]),
    plain(SYS_link, &[Path, Path]),
    plain(SYS_linkat, &[Directory, Path, Directory, Path, Number]),
    plain(SYS_symlink, &[Text, Path]),
    plain(SYS_symlinkat, &[Text, Directory, Path]),
    new(SYS_mkdir, &[Path, Number]),
    new(SYS_mkdirat, &[Directory, Path, Number]),
    new(SYS_mknod, &[Path, Number, Number]),
    new(SYS_mknodat, &[Directory, Path, Number, Number]),
    plain(SYS_chmod, &[Path, Number]),
    plain(SYS_fchmod, &[Descriptor, Number]),
    plain(SYS_fchmodat, &[Directory, Path, Number]),
    plain(FCHMODAT2, &[Directory, Path, Number, Number]),
    plain(SYS_chown, &[Path, Number, Number]),
    plain(SYS_lchown, &[Path, Number, Number]),
    plain(SYS_fchown, &[Descriptor, Number, Number]),
    plain(SYS_fchownat, &[Directory, Path, Number, Number, Number]),
    plain(SYS_utime, &[Path, Bytes(16)]),
    plain(SYS_utimes, &[Path, Bytes(32)]),
    plain(SYS_futimesat, &[Directory, Path, Bytes(32)]),
    plain(SYS_utimensat, &[Directory, Path, Bytes(32), Number]),
    plain(SYS_truncate, &[Path, Number]),
    plain(SYS_statfs, &[Path, Into(STATFS)]),
    plain(SYS_fstatfs, &[Descriptor, Into(STATFS)]),
    plain(SYS_fsync, &[Descriptor]),
    plain(SYS_fdatasync, &[Descriptor]),
    plain(SYS_syncfs, &[Descriptor]),
    plain(SYS_setxattr, &[Path, Text, Argument::BytesOf(3), Number, Number]),
    plain(SYS_lsetxattr, &[Path, Text, Argument::BytesOf(3), Number, Number]),
    plain(SYS_fsetxattr, &[Descriptor, Text, Argument::BytesOf(3), Number, Number]),
    plain(SYS_getxattr, &[Path, Text, Room(3), Number]),
    plain(SYS_lgetxattr, &[Path, Text, Room(3), Number]),
    plain(SYS_fgetxattr, &[Descriptor, Text, Room(3), Number]),
    plain(SYS_listxattr, &[Path, Room(2), Number]),
    plain(SYS_llistxattr, &[Path, Room(2), Number]),
    plain(SYS_flistxattr, &[Descriptor, Room(2), Number]),
    plain(SYS_removexattr, &[Path, Text]),
    plain(SYS_lremovexattr, &[Path, Text]),
    plain(SYS_fremovexattr, &[Descriptor, Text]),
    plain(SYS_inotify_add_watch, &[Number, Path, Number]),
    plain(SYS_name_to_handle_at, &[Directory, Path, Number, Number, Number]),
    plain(SYS_getcwd, &[Room(1), Number]),
];

/// Those that are done in another way, and those by which a process becomes another user.
const OTHERS: [c_long; 10] = [
    SYS_chdir,
    SYS_fchdir,
    SYS_execve,
    SYS_execveat,
    SYS_bind,
    SYS_connect,
    SYS_setuid,
    SYS_setreuid,
    SYS_setresuid,
    SYS_setfsuid,
];

const COUNT: usize = CALLS.len() + OTHERS.len();

/// The numbers of all that is told.
pub const TOLD: [c_long; COUNT] = {
    let mut all = [0; COUNT];
    let mut at = 0;
    while at < COUNT {
        all[at] = if at < CALLS.len() { CALLS[at].number } else { OTHERS[at - CALLS.len()] };
        at += 1;
    }
    all
};

/// The numbers of what works past all that is told: programs have another way.
pub const REFUSED: [c_long; 1] = [SYS_io_uring_setup];

/// The call of a number.
pub fn of(number: c_long) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.number == number)
}
