//! fork and vfork. Both are libc's; before, the process gets its record, so that its children can name their parent.
//! clone and unshare: libc's, too; what threads share from then on is noted.

use std::arch::naked_asm;
use std::ffi::{c_int, c_void};

use super::exec;
use crate::sys::next::Next;
use crate::sys::{apart, errno, fork, gate, vfork};
use crate::vfs::{descriptor, process, session, who};

fn before() {
    if let Some(given) = session::given().filter(|_| !gate::is_inside()) {
        errno::kept(|| process::starts_another(given));
    }
}

type Fork = extern "C" fn() -> c_int;

fn forked(real: Fork) -> c_int {
    before();
    if session::given().is_some() {
        errno::kept(exec::share);
    }
    let result = real();
    if result == 0 {
        fork::in_child();
    }
    result
}

spellings!(forked: fn() -> c_int: fork, __fork);

/// What to jump to for vfork.
extern "C" fn before_vfork() -> *mut c_void {
    static NEXT: Next = Next::new();
    before();
    vfork::begins();
    NEXT.get(c"vfork")
}

/// Defines a spelling of vfork. It returns twice on one stack, so that nothing of ours may be on it: whoever called it is
/// returned to by libc.
macro_rules! jumps_to_vfork {
    ($($name:ident)*) => {$(
        /// vfork(2)
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the name is libc's. The stack is as the caller left it when it jumps.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub extern "C" fn $name() {
            naked_asm!("sub rsp, 8", "call {before}", "add rsp, 8", "jmp rax", before = sym before_vfork)
        }

        /// vfork(2)
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the name is libc's. The stack is as the caller left it when it jumps.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub extern "C" fn $name() {
            naked_asm!(
                "stp x29, x30, [sp, #-16]!",
                "mov x29, sp",
                "bl {before}",
                "ldp x29, x30, [sp], #16",
                "br x0",
                before = sym before_vfork,
            )
        }
    )*};
}

jumps_to_vfork!(vfork __vfork);

hook! {
    /// unshare(2)
    real => fn unshare(flags: c_int) -> c_int {
        unshares(flags);
        let result = real(flags);
        who::forget();
        result
    }
}

/// Before threads can have descriptors of their own, and notes say nothing any more: what is open says itself whose it is.
pub fn unshares(flags: c_int) {
    if apart::unshares(flags) {
        errno::kept(descriptor::leave_marks);
    }
}

/// The same before clone.
pub fn clones(flags: c_int) {
    if apart::clones(flags) {
        errno::kept(descriptor::leave_marks);
    }
}

/// What to jump to for clone.
extern "C" fn before_clone(_: *mut c_void, _: *mut c_void, flags: c_int) -> *mut c_void {
    static NEXT: Next = Next::new();
    before();
    clones(flags);
    errno::kept(|| NEXT.get(c"clone"))
}

// Its child begins on a stack of its own, and its arguments go on for ever.
jumps! {
    /// clone(2)
    clone => before_clone
}

jumps! {
    /// clone(2)
    __clone => before_clone
}
