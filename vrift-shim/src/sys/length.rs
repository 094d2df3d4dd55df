//! How long a C string is, as far as it matters for a path. The C library's own function is one more call through a pointer,
//! which right after a call of the kernel costs more than all that is counted here.

use std::ffi::c_char;

/// The bytes before the NUL, but no more than `most`, which is a multiple of 16.
///
/// # Safety
/// There is a NUL, or there are that many bytes.
#[inline]
#[cfg(target_arch = "x86_64")]
pub unsafe fn of(start: *const c_char, most: usize) -> usize {
    let mut block = start.addr() & !15;
    let skipped = start.addr() & 15;
    // Blocks of 16 bytes at multiples of 16: none of them lies in two pages, so it can be read as a whole if one byte of it can.
    // The first one may begin before the string, and the last one end behind it.
    let found: u32;
    // SAFETY: every block that is read has a byte of the string in it, or its NUL: the first one has the first byte, and the
    // loop goes on only where no NUL was seen and fewer than `most` bytes were. Nothing is written.
    unsafe {
        core::arch::asm!(
            "pxor {zero}, {zero}",
            "movdqa {bytes}, xmmword ptr [{block}]",
            "pcmpeqb {bytes}, {zero}",
            "pmovmskb {mask:e}, {bytes}",
            "shr {mask:e}, cl",
            "test {mask:e}, {mask:e}",
            "jnz 3f",
            "2:",
            "add {block}, 16",
            "cmp {block}, {end}",
            "jae 3f",
            "movdqa {bytes}, xmmword ptr [{block}]",
            "pcmpeqb {bytes}, {zero}",
            "pmovmskb {mask:e}, {bytes}",
            "test {mask:e}, {mask:e}",
            "jz 2b",
            "3:",
            zero = out(xmm_reg) _,
            bytes = out(xmm_reg) _,
            mask = out(reg) found,
            block = inout(reg) block,
            end = in(reg) start.addr().saturating_add(most),
            in("ecx") skipped as u32,
            options(nostack, readonly),
        );
    }
    // In the first block the bits were moved to where the string begins.
    let before = block.saturating_sub(start.addr());
    if found == 0 { most } else { (before + found.trailing_zeros() as usize).min(most) }
}

/// The bytes before the NUL, but no more than `most`.
///
/// # Safety
/// There is a NUL, or there are that many bytes.
#[inline]
#[cfg(not(target_arch = "x86_64"))]
pub unsafe fn of(start: *const c_char, most: usize) -> usize {
    // SAFETY: as the caller says.
    unsafe { libc::strnlen(start, most) }
}
