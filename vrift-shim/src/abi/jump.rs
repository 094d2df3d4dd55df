//! Names of libc whose arguments nobody knows but who gets them: the library only says where to go on.

/// Defines `$name`, which asks `$choose` (with the caller's arguments, as far as it takes them) where to jump to. The
/// arguments in registers and the stack are then as the caller left them.
macro_rules! jumps {
    ($(#[$note:meta])* $name:ident => $choose:path) => {
        $(#[$note])*
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the name is libc's. What the caller passed is in its registers again, and the stack as it was, when it
        // jumps.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub extern "C" fn $name() {
            core::arch::naked_asm!(
                "push rdi",
                "push rsi",
                "push rdx",
                "push rcx",
                "push r8",
                "push r9",
                "sub rsp, 8",
                "call {choose}",
                "add rsp, 8",
                "pop r9",
                "pop r8",
                "pop rcx",
                "pop rdx",
                "pop rsi",
                "pop rdi",
                "jmp rax",
                choose = sym $choose,
            )
        }

        $(#[$note])*
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub extern "C" fn $name() {
            core::arch::naked_asm!(
                "stp x29, x30, [sp, #-80]!",
                "mov x29, sp",
                "stp x0, x1, [sp, #16]",
                "stp x2, x3, [sp, #32]",
                "stp x4, x5, [sp, #48]",
                "str x6, [sp, #64]",
                "bl {choose}",
                "mov x9, x0",
                "ldp x0, x1, [sp, #16]",
                "ldp x2, x3, [sp, #32]",
                "ldp x4, x5, [sp, #48]",
                "ldr x6, [sp, #64]",
                "ldp x29, x30, [sp], #80",
                "br x9",
                choose = sym $choose,
            )
        }
    };
}
