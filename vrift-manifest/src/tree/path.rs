//! Paths as the kernel takes them apart: bytes between slashes.

/// The longest path including its NUL, as in Linux.
pub const PATH_MAX: usize = 4096;

/// Working space of a walk, taken when it is needed: most walks need none, and clearing it costs more than they do. Not on
/// the stack, which may be that of a signal handler or of a small thread.
#[derive(Default)]
pub struct Scratch(Option<Box<[u8; PATH_MAX]>>);

impl Scratch {
    /// The space.
    pub fn bytes(&mut self) -> &mut [u8; PATH_MAX] {
        self.0.get_or_insert_with(space)
    }
}

#[cold]
#[inline(never)]
fn space() -> Box<[u8; PATH_MAX]> {
    match vec![0; PATH_MAX].into_boxed_slice().try_into() {
        Ok(space) => space,
        // It has that length.
        Err(_) => Box::new([0; PATH_MAX]),
    }
}

/// Takes the first component off `path`: the component, and what follows it with its slashes. `None` when only
/// slashes are left.
#[inline]
pub fn split_first(mut path: &[u8]) -> Option<(&[u8], &[u8])> {
    while let [b'/', rest @ ..] = path {
        path = rest;
    }
    if path.is_empty() { None } else { Some(path.split_at(component_len(path))) }
}

/// Bytes before the first slash. Eight at a time: most components are shorter than two words.
#[inline]
fn component_len(path: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const SLASHES: u64 = u64::from_le_bytes([b'/'; 8]);
    let (words, rest) = path.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let differs = u64::from_le_bytes(*word) ^ SLASHES;
        // The lowest high bit set marks the first byte that is zero in `differs`; those above it may lie.
        let found = differs.wrapping_sub(ONES) & !differs & (ONES << 7);
        if found != 0 {
            return place * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let start = words.len() * 8;
    start + rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len())
}

/// Where the last slash is. Eight bytes at a time, as in `component_len`, but from the end: so it is the highest byte that
/// is asked for, and all of them have to be told right.
#[inline]
pub fn last_slash(path: &[u8]) -> Option<usize> {
    const SEVENS: u64 = u64::from_le_bytes([0x7f; 8]);
    const SLASHES: u64 = u64::from_le_bytes([b'/'; 8]);
    let (rest, words) = path.as_rchunks::<8>();
    for (place, word) in words.iter().enumerate().rev() {
        let differs = u64::from_le_bytes(*word) ^ SLASHES;
        let found = !(((differs & SEVENS) + SEVENS) | differs | SEVENS);
        if found != 0 {
            return Some(rest.len() + place * 8 + 7 - found.leading_zeros() as usize / 8);
        }
    }
    rest.iter().rposition(|&byte| byte == b'/')
}

/// Whether nothing but slashes follows.
pub fn is_end(path: &[u8]) -> bool {
    path.iter().all(|&byte| byte == b'/')
}

/// What of `path` lies below `prefix` (both absolute, `prefix` without a trailing slash), matched by whole components.
#[inline]
pub fn below<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    // Paths that differ at all nearly always differ at the prefix's end, which costs less to see than a call.
    let (head, rest) = path.split_at_checked(prefix.len())?;
    if head.last_chunk::<8>() != prefix.last_chunk() {
        return None;
    }
    let words = head.as_chunks::<8>().0.iter().zip(prefix.as_chunks::<8>().0);
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    if !words.fold(true, |same, (one, other)| same & (word(one) == word(other))) {
        return None;
    }
    // What is in no word is in the last eight bytes, if there are eight.
    if prefix.len() < 8 && head != prefix {
        return None;
    }
    (rest.is_empty() || rest[0] == b'/').then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_off_one_by_one_whatever_their_length() {
        for length in 1..40 {
            let name = vec![b'/' + 1; length];
            for tail in [&b""[..], b"/", b"//x", b"/next/one"] {
                let path = [b"//", &name[..], tail].concat();
                assert_eq!(split_first(&path), Some((&name[..], tail)));
            }
        }
        assert_eq!(split_first(b""), None);
        assert_eq!(split_first(b"///"), None);
    }

    #[test]
    fn the_last_slash_is_found_wherever_it_stands() {
        let names = b"\x00\x2e\x2f\x30\xae\xaf\xb0\xff";
        for length in 0..40 {
            for place in 0..8 {
                let path: Vec<u8> = (0..length).map(|at| names[(at * 3 + place) % 8]).collect();
                let expected = path.iter().rposition(|&byte| byte == b'/');
                assert_eq!(last_slash(&path), expected, "{path:?}");
            }
            let mut path = vec![b'/' + 0x80; length];
            assert_eq!(last_slash(&path), None);
            for at in 0..length {
                path[at] = b'/';
                assert_eq!(last_slash(&path), Some(at));
            }
        }
    }

    #[test]
    fn a_prefix_counts_only_up_to_a_slash() {
        assert_eq!(below(b"/proj/src", b"/proj"), Some(&b"/src"[..]));
        assert_eq!(below(b"/proj", b"/proj"), Some(&b""[..]));
        assert_eq!(below(b"/proj2/src", b"/proj"), None);
        let prefix = b"/a/prefix/that/is/longer/than/words";
        for length in 2..prefix.len() {
            let (prefix, inside) = (&prefix[..length], [&prefix[..length], b"/f"].concat());
            assert_eq!(below(prefix, prefix), Some(&b""[..]));
            assert_eq!(below(&inside, prefix), Some(&b"/f"[..]));
            assert_eq!(below(&inside[1..], prefix), None);
            assert_eq!(below(&inside[..length - 1], prefix), None);
            for at in 0..length {
                let mut other = inside.clone();
                other[at] ^= 0x80;
                assert_eq!(below(&other, prefix), None);
            }
        }
    }
}
