//! Whether the processor runs this program, or valgrind plays its instructions: it knows not all calls of the kernel, and says so
//! on standard error, where the program would have been silent.

/// Asks by an idle sequence of instructions that valgrind looks for, and that changes nothing anywhere else.
#[cfg(target_arch = "x86_64")]
pub fn is() -> bool {
    const RUNNING: u64 = 0x1001;
    let question: [u64; 6] = [RUNNING, 0, 0, 0, 0, 0];
    let answer: u64;
    // SAFETY: a register is turned by 128 bits in all, and one is exchanged with itself. Valgrind reads the question, and writes
    // the answer into the register that is told to be written.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") &raw const question,
            inout("rdx") 0_u64 => answer,
            options(nostack),
        );
    }
    answer != 0
}

/// Not asked here.
#[cfg(not(target_arch = "x86_64"))]
pub fn is() -> bool {
    false
}
