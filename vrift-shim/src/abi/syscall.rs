//! syscall(2): calls that name a path or work on a descriptor of the tree go where libc's functions of their names go; all
//! others are jumped to as they are, for some of them return in no ordinary way.
#![allow(non_upper_case_globals, reason = "the numbers have the names that libc gives them")]

use std::ffi::{c_char, c_int, c_long, c_void};

use libc::*;
use rustix::io::Errno;

use super::args::{CPath, In, Out, fail};
use super::{
    access, close, cwd, directory, exec, identity, link, lock, make, open, owner, permission,
    readlink, remove, rename, seek, socket, stat, statfs, sync, times, truncate, watch, xattr,
};
use crate::sys::gate;
use crate::sys::next::Next;
use crate::sys::strings::Strings;

use crate::vfs::{session, who};

/// The arguments behind the number.
pub type Words = [usize; 6];

type Raw = extern "C" fn(c_long, usize, usize, usize, usize, usize, usize) -> c_long;

/// libc's, or that of another preloaded library.
fn next() -> *mut c_void {
    static NEXT: Next = Next::new();
    NEXT.get(c"syscall")
}

/// Asks the kernel.
fn kernel(number: c_long, [a, b, c, d, e, f]: Words) -> c_long {
    // SAFETY: libc's function takes a number and up to six words, passed as these are.
    let next = unsafe { core::mem::transmute::<*mut c_void, Raw>(next()) };
    next(number, a, b, c, d, e, f)
}

/// An argument of a function of libc, of the word that stands for it.
trait Word {
    fn of(word: usize) -> Self;
}

macro_rules! words {
    ($($integer:ty)*) => {$(
        impl Word for $integer {
            fn of(word: usize) -> $integer {
                word as $integer
            }
        }
    )*};
}

words!(i32 u32 i64 u64 usize);

macro_rules! pointers {
    ($([$($t:ident)?] $wrapper:ty as $pointer:ty;)*) => {$(
        impl$(<$t>)? Word for $wrapper {
            fn of(word: usize) -> $wrapper {
                let pointer = std::ptr::with_exposed_provenance_mut::<u8>(word) as $pointer;
                // SAFETY: the wrapper is that pointer, transparently; what is behind it is the program's promise.
                unsafe { std::mem::transmute_copy::<$pointer, $wrapper>(&pointer) }
            }
        }
    )*};
}

pointers! {
    [] CPath as *const c_char;
    [] Strings as *const *const c_char;
    [T] Out<T> as *mut T;
    [T] In<T> as *const T;
    [T] *mut T as *mut T;
}

/// A hook, called with the words of a system call.
trait Body {
    fn call(self, words: Words) -> c_long;
}

macro_rules! bodies {
    ($(($($argument:ident)*))*) => {$(
        impl<R: Into<i64>, $($argument: Word),*> Body for extern "C" fn($($argument),*) -> R {
            #[allow(non_snake_case, unused_variables)]
            fn call(self, words: Words) -> c_long {
                let mut words = words.into_iter();
                $(let $argument = $argument::of(words.next().unwrap_or(0));)*
                self($($argument),*).into()
            }
        }
    )*};
}

bodies!((A)(A B)(A B C)(A B C D)(A B C D E));

/// A hook that returns a length.
struct Length<F>(F);

macro_rules! lengths {
    ($(($($argument:ident)*))*) => {$(
        impl<$($argument: Word),*> Body for Length<extern "C" fn($($argument),*) -> isize> {
            #[allow(non_snake_case)]
            fn call(self, words: Words) -> c_long {
                let mut words = words.into_iter();
                $(let $argument = $argument::of(words.next().unwrap_or(0));)*
                (self.0)($($argument),*) as c_long
            }
        }
    )*};
}

lengths!((A B)(A B C)(A B C D));

const IO_URING_SETUP: c_long = 425;
const FACCESSAT2: c_long = 439;
const FCHMODAT2: c_long = 452;

/// The table: which numbers are taken, and by which function of which arity.
macro_rules! table {
    (
        plain { $($(#[$cfg:meta])* $number:path => $function:path: $arity:tt;)* }
        length { $($(#[$lcfg:meta])* $lnumber:path => $lfunction:path: $larity:tt;)* }
        other { $($(#[$ocfg:meta])* $onumber:path => $ofunction:path;)* }
    ) => {
        /// Whether a call is looked at.
        fn is_taken(number: c_long) -> bool {
            match number {
                $($(#[$cfg])* $number => true,)*
                $($(#[$lcfg])* $lnumber => true,)*
                $($(#[$ocfg])* $onumber => true,)*
                _ => false,
            }
        }

        fn taken(number: c_long, words: Words) -> c_long {
            match number {
                $($(#[$cfg])* $number => pointer!($function: $arity).call(words),)*
                $($(#[$lcfg])* $lnumber => Length(pointer!($lfunction: $larity)).call(words),)*
                $($(#[$ocfg])* $onumber => $ofunction(number, words),)*
                _ => kernel(number, words),
            }
        }
    };
}

macro_rules! pointer {
    ($function:path: 1) => {
        $function as extern "C" fn(_) -> _
    };
    ($function:path: 2) => {
        $function as extern "C" fn(_, _) -> _
    };
    ($function:path: 3) => {
        $function as extern "C" fn(_, _, _) -> _
    };
    ($function:path: 4) => {
        $function as extern "C" fn(_, _, _, _) -> _
    };
    ($function:path: 5) => {
        $function as extern "C" fn(_, _, _, _, _) -> _
    };
}

table! {
    plain {
        #[cfg(target_arch = "x86_64")] SYS_open => open::open: 3;
        #[cfg(target_arch = "x86_64")] SYS_creat => open::creat: 2;
        SYS_openat => open::openat: 4;
        #[cfg(target_arch = "x86_64")] SYS_stat => stat::stat: 2;
        #[cfg(target_arch = "x86_64")] SYS_lstat => stat::lstat: 2;
        SYS_fstat => stat::fstat: 2;
        SYS_newfstatat => stat::fstatat: 4;
        SYS_statx => stat::statx: 5;
        #[cfg(target_arch = "x86_64")] SYS_access => access::access: 2;
        FACCESSAT2 => access::faccessat: 4;
        #[cfg(target_arch = "x86_64")] SYS_unlink => remove::unlink: 1;
        #[cfg(target_arch = "x86_64")] SYS_rmdir => remove::rmdir: 1;
        SYS_unlinkat => remove::unlinkat: 3;
        #[cfg(target_arch = "x86_64")] SYS_rename => rename::rename: 2;
        #[cfg(target_arch = "x86_64")] SYS_renameat => rename::renameat: 4;
        SYS_renameat2 => rename::renameat2: 5;
        #[cfg(target_arch = "x86_64")] SYS_mkdir => make::mkdir: 2;
        SYS_mkdirat => make::mkdirat: 3;
        #[cfg(target_arch = "x86_64")] SYS_mknod => make::mknod: 3;
        SYS_mknodat => make::mknodat: 4;
        #[cfg(target_arch = "x86_64")] SYS_link => link::link: 2;
        SYS_linkat => link::linkat: 5;
        #[cfg(target_arch = "x86_64")] SYS_symlink => make::symlink: 2;
        SYS_symlinkat => make::symlinkat: 3;
        SYS_chdir => cwd::chdir: 1;
        SYS_fchdir => cwd::fchdir: 1;
        #[cfg(target_arch = "x86_64")] SYS_chmod => permission::chmod: 2;
        SYS_fchmod => permission::fchmod: 2;
        FCHMODAT2 => permission::fchmodat: 4;
        #[cfg(target_arch = "x86_64")] SYS_chown => owner::chown: 3;
        #[cfg(target_arch = "x86_64")] SYS_lchown => owner::lchown: 3;
        SYS_fchown => owner::fchown: 3;
        SYS_fchownat => owner::fchownat: 5;
        #[cfg(target_arch = "x86_64")] SYS_utime => times::utime: 2;
        #[cfg(target_arch = "x86_64")] SYS_utimes => times::utimes: 2;
        #[cfg(target_arch = "x86_64")] SYS_futimesat => times::futimesat: 3;
        SYS_truncate => truncate::truncate: 2;
        SYS_statfs => statfs::statfs: 2;
        SYS_fstatfs => statfs::fstatfs: 2;
        SYS_setxattr => xattr::setxattr: 5;
        SYS_lsetxattr => xattr::lsetxattr: 5;
        SYS_fsetxattr => xattr::fsetxattr: 5;
        SYS_removexattr => xattr::removexattr: 2;
        SYS_lremovexattr => xattr::lremovexattr: 2;
        SYS_fremovexattr => xattr::fremovexattr: 2;
        SYS_close => close::close: 1;
        SYS_dup => close::dup: 1;
        #[cfg(target_arch = "x86_64")] SYS_dup2 => close::dup2: 2;
        SYS_dup3 => close::dup3: 3;
        SYS_fcntl => close::fcntl: 3;
        SYS_close_range => close::close_range: 3;
        SYS_execve => exec::execve: 3;
        SYS_execveat => exec::execveat: 5;
        SYS_umask => identity::umask: 1;
        SYS_flock => lock::flock: 2;
        SYS_fsync => sync::fsync: 1;
        SYS_fdatasync => sync::fdatasync: 1;
        SYS_syncfs => sync::syncfs: 1;
        SYS_bind => socket::bind: 3;
        SYS_connect => socket::connect: 3;
        SYS_inotify_add_watch => watch::inotify_add_watch: 3;
        SYS_name_to_handle_at => watch::name_to_handle_at: 5;
    }
    length {
        #[cfg(target_arch = "x86_64")] SYS_readlink => readlink::readlink: 3;
        SYS_readlinkat => readlink::readlinkat: 4;
        SYS_lseek => seek::lseek: 3;
        SYS_getdents64 => directory::getdents64: 3;
        SYS_getxattr => xattr::getxattr: 4;
        SYS_lgetxattr => xattr::lgetxattr: 4;
        SYS_fgetxattr => xattr::fgetxattr: 4;
        SYS_listxattr => xattr::listxattr: 3;
        SYS_llistxattr => xattr::llistxattr: 3;
        SYS_flistxattr => xattr::flistxattr: 3;
    }
    other {
        SYS_getcwd => getcwd;
        SYS_faccessat => without_flags;
        SYS_fchmodat => without_flags;
        SYS_utimensat => utimensat;
        SYS_openat2 => openat2;
        IO_URING_SETUP => refused;
        SYS_setuid => ids_changed;
        SYS_setgid => ids_changed;
        SYS_setreuid => ids_changed;
        SYS_setregid => ids_changed;
        SYS_setresuid => ids_changed;
        SYS_setresgid => ids_changed;
        SYS_setgroups => ids_changed;
        SYS_setfsuid => ids_changed;
        SYS_setfsgid => ids_changed;
        SYS_capset => ids_changed;
    }
}

/// The kernel's returns the length, and takes no memory of libc's.
fn getcwd(number: c_long, words: Words) -> c_long {
    let [room, size, ..] = words;
    if room == 0 {
        return kernel(number, words);
    }
    // No room is too little, not wrong; nor is there room for any path in one byte.
    let path = cwd::getcwd(<*mut c_char as Word>::of(room), size.max(1));
    match <CPath as Word>::of(path as usize).bytes() {
        Some(path) => path.len() as c_long + 1,
        None => -1,
    }
}

/// The calls that have a newer form with flags behind their arguments.
fn without_flags(number: c_long, [directory, path, what, ..]: Words) -> c_long {
    let words = [directory, path, what, 0, 0, 0];
    match number {
        SYS_faccessat => pointer!(access::faccessat: 4).call(words),
        _ => pointer!(permission::fchmodat: 4).call(words),
    }
}

/// The kernel's takes no path for that of the descriptor.
fn utimensat(_: c_long, words: Words) -> c_long {
    let [descriptor, path, times, flags, ..] = words;
    if path == 0 && flags == 0 {
        return pointer!(times::futimens: 2).call([descriptor, times, 0, 0, 0, 0]);
    }
    pointer!(times::utimensat: 4).call(words)
}

fn openat2(number: c_long, words: Words) -> c_long {
    let [directory, path, how, size, ..] = words;
    let (path, how) = (<CPath as Word>::of(path), <Out<[u64; 3]> as Word>::of(how));
    super::openat2::openat2(directory as c_int, path, how, size, || kernel(number, words))
}

/// Rings work past every library: programs have another way.
fn refused(_: c_long, _: Words) -> c_long {
    fail(Errno::NOSYS)
}

/// Of one thread, other than libc's functions of these names.
fn ids_changed(number: c_long, words: Words) -> c_long {
    let result = kernel(number, words);
    who::forget();
    result
}

extern "C" fn ours(
    number: c_long,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> c_long {
    taken(number, [a, b, c, d, e, f])
}

/// What the body of a call's hook says, for whom it may concern.
#[cfg(target_arch = "x86_64")]
pub fn answer(number: c_long, words: Words) -> c_long {
    taken(number, words)
}

/// Where to jump to for a number.
extern "C" fn choose(number: c_long, first: usize) -> *mut c_void {
    match number {
        SYS_clone => super::process::clones(first as c_int),
        SYS_unshare => super::process::unshares(first as c_int),
        _ => {}
    }
    if is_taken(number) && session::given().is_some() && !gate::is_inside() {
        return ours as *mut c_void;
    }
    next()
}

jumps! {
    /// syscall(2)
    syscall => choose
}
