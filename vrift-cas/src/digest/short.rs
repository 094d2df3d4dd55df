//! BLAKE3 of what fits one chunk, in plain integers.
//!
//! The library that hashes everything else first asks the processor what it can do. In a virtual machine each of these
//! questions stops the machine: 20 to 40 us altogether, which each process of a build would pay for a record or two of a
//! hundred bytes. So a process asks when it has much to hash, or often.

use std::sync::atomic::{AtomicU32, Ordering};

/// The most bytes that are hashed here.
pub const MOST: usize = 1024;

/// After so many the questions would have been cheaper.
const OFTEN: u32 = 64;
static HASHED: AtomicU32 = AtomicU32::new(0);

const BLOCK: usize = 64;
const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const ROOT: u32 = 8;

const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Which word of a block is mixed in at which place, in each round.
const ORDER: [[usize; 16]; 7] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8],
    [3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1],
    [10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6],
    [12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4],
    [9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7],
    [11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13],
];

/// The hash of bytes that fit a chunk; `None`: they do not, or this process hashes often.
pub fn hash(bytes: &[u8]) -> Option<[u8; 32]> {
    let hashed = HASHED.load(Ordering::Relaxed);
    if bytes.len() > MOST || hashed >= OFTEN {
        return None;
    }
    HASHED.store(hashed + 1, Ordering::Relaxed);
    Some(of_chunk(bytes))
}

fn of_chunk(bytes: &[u8]) -> [u8; 32] {
    let mut value = INITIAL;
    let mut flags = CHUNK_START;
    let mut rest = bytes;
    loop {
        let (now, behind) = rest.split_at(rest.len().min(BLOCK));
        let mut block = [0; BLOCK];
        block[..now.len()].copy_from_slice(now);
        if behind.is_empty() {
            flags |= CHUNK_END | ROOT;
        }
        value = compress(&value, &block, now.len() as u32, flags);
        if behind.is_empty() {
            break;
        }
        (flags, rest) = (0, behind);
    }
    let mut hash = [0; 32];
    for (room, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(value) {
        *room = word.to_le_bytes();
    }
    hash
}

fn compress(value: &[u32; 8], block: &[u8; BLOCK], length: u32, flags: u32) -> [u32; 8] {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [a, b, c, d, e, f, g, h] = *value;
    let [i, j, k, l, ..] = INITIAL;
    // The number of the chunk, two words, is 0.
    let mut s = [a, b, c, d, e, f, g, h, i, j, k, l, 0, 0, length, flags];
    for order in &ORDER {
        let m = order.map(|place| words[place]);
        // The columns, then the diagonals.
        mix(&mut s, [0, 4, 8, 12], m[0], m[1]);
        mix(&mut s, [1, 5, 9, 13], m[2], m[3]);
        mix(&mut s, [2, 6, 10, 14], m[4], m[5]);
        mix(&mut s, [3, 7, 11, 15], m[6], m[7]);
        mix(&mut s, [0, 5, 10, 15], m[8], m[9]);
        mix(&mut s, [1, 6, 11, 12], m[10], m[11]);
        mix(&mut s, [2, 7, 8, 13], m[12], m[13]);
        mix(&mut s, [3, 4, 9, 14], m[14], m[15]);
    }
    std::array::from_fn(|place| s[place] ^ s[place + 8])
}

#[inline(always)]
fn mix(s: &mut [u32; 16], [a, b, c, d]: [usize; 4], first: u32, second: u32) {
    s[a] = s[a].wrapping_add(s[b]).wrapping_add(first);
    s[d] = (s[d] ^ s[a]).rotate_right(16);
    s[c] = s[c].wrapping_add(s[d]);
    s[b] = (s[b] ^ s[c]).rotate_right(12);
    s[a] = s[a].wrapping_add(s[b]).wrapping_add(second);
    s[d] = (s[d] ^ s[a]).rotate_right(8);
    s[c] = s[c].wrapping_add(s[d]);
    s[b] = (s[b] ^ s[c]).rotate_right(7);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_a_chunk_has_the_hash_that_the_library_gives_it() {
        let bytes: Vec<u8> = (0..MOST).map(|at| (at * 7 + at / 251) as u8).collect();
        for length in 0..=MOST {
            let bytes = &bytes[..length];
            assert_eq!(of_chunk(bytes), *blake3::hash(bytes).as_bytes(), "{length} bytes");
        }
    }

    #[test]
    fn more_than_a_chunk_is_left_to_the_library() {
        assert_eq!(hash(&[0; MOST + 1]), None);
    }
}
