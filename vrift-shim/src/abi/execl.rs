//! execl and its relatives, which take their arguments one by one: put into a row on the stack, they are an array.

use std::arch::naked_asm;
use std::ffi::c_int;

use super::args::CPath;
use super::exec;
use crate::sys::strings::Strings;

/// Defines a name whose arguments behind the path are put into a row for `$body(path, row)`.
///
/// What is on the stack is in a row already; what is in registers is put in front of it, where the return address was.
macro_rules! listed {
    ($(#[$note:meta])* $name:ident => $body:path) => {
        $(#[$note])*
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the name is libc's. Nothing but what was pushed is popped, and the return address is what it was.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub extern "C" fn $name() {
            naked_asm!(
                "pop rax",
                "push r9",
                "push r8",
                "push rcx",
                "push rdx",
                "push rsi",
                "mov rsi, rsp",
                "push rax",
                "call {body}",
                "pop rcx",
                "add rsp, 40",
                "push rcx",
                "ret",
                body = sym $body,
            )
        }

        $(#[$note])*
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the name is libc's. Nothing but what was pushed is popped, and the return address is what it was.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub extern "C" fn $name() {
            naked_asm!(
                "sub sp, sp, #80",
                "stp x29, x30, [sp]",
                "mov x29, sp",
                "str x1, [sp, #24]",
                "stp x2, x3, [sp, #32]",
                "stp x4, x5, [sp, #48]",
                "stp x6, x7, [sp, #64]",
                "add x1, sp, #24",
                "bl {body}",
                "ldp x29, x30, [sp]",
                "add sp, sp, #80",
                "ret",
                body = sym $body,
            )
        }
    };
}

listed! {
    /// execl(3)
    execl => by_path
}

listed! {
    /// execlp(3)
    execlp => by_name
}

listed! {
    /// execle(3): the environment stands behind the arguments' end.
    execle => by_path_with_environment
}

extern "C" fn by_path(path: CPath, arguments: Strings) -> c_int {
    exec::execute(path, arguments, Strings::environment())
}

extern "C" fn by_name(file: CPath, arguments: Strings) -> c_int {
    exec::search_and_execute(file, arguments, Strings::environment())
}

extern "C" fn by_path_with_environment(path: CPath, arguments: Strings) -> c_int {
    exec::execute(path, arguments, arguments.behind())
}
