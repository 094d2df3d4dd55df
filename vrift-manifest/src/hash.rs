//! The hash of a name: part of the image format, so it must never change within a version.
//!
//! A folded multiply of 16 bytes at a time, the last ones overlapping: a name of up to 16 bytes costs one
//! multiplication and no loop. It only spreads names over slots: names are always compared, so a collision costs time
//! and never an answer.

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xe703_7ed1_a0b4_28db;

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ (product >> 64) as u64
}

/// The hash of one name.
#[inline]
pub fn name_hash(name: &[u8]) -> u64 {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let mut state = K0 ^ name.len() as u64;
    let (first, last) = if let Some(tail) = name.last_chunk::<16>() {
        // The whole blocks before the last byte: what follows them is within the tail.
        for [a, b] in name[..name.len() - 1].as_chunks::<16>().0.iter().map(halves) {
            state = fold(a ^ state, b ^ K1);
        }
        let [first, last] = halves(tail);
        (first, last)
    } else if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        (word(first), word(last))
    } else if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
    } else {
        let byte = |at: usize| name.get(at).copied().map_or(0, u64::from);
        (byte(0) | byte(1) << 8, byte(2))
    };
    fold(first ^ state, last ^ K1)
}

#[inline(always)]
fn halves(block: &[u8; 16]) -> [u64; 2] {
    let (words, _) = block.as_chunks::<8>();
    [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])]
}

/// The hash of a name within a directory: one name in many directories gets as many different places.
#[inline]
pub fn slot_hash(name_hash: u64, parent: u32) -> u64 {
    name_hash ^ u64::from(parent).wrapping_mul(K0)
}

/// The hash of a node number.
#[inline]
pub fn number_hash(node: u64) -> u64 {
    fold(node ^ K1, K0)
}
