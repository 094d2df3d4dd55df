//! The hash of a name: part of the image format, so it must never change within a version.
//!
//! A folded multiply, eight bytes at a time: a name of up to 16 bytes costs two multiplications. It only spreads
//! names over slots: names are always compared, so a collision costs time and never an answer.

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
    let mut state = K0 ^ name.len() as u64;
    let (words, rest) = name.as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), K1);
    }
    let mut tail = 0u64;
    for (place, &byte) in rest.iter().enumerate() {
        tail |= u64::from(byte) << (8 * place);
    }
    fold(state ^ tail, K1 ^ K0)
}

/// The hash of a name within a directory.
#[inline]
pub fn slot_hash(name_hash: u64, parent: u32) -> u64 {
    fold(name_hash ^ u64::from(parent).wrapping_mul(K0), K1)
}

/// The hash of a node number.
#[inline]
pub fn number_hash(node: u64) -> u64 {
    fold(node ^ K1, K0)
}
