//! Where `vrift run` takes in the listeners of programs that no library is in: the name of its socket. A run has a random
//! number, so the name needs no place in a file system, and nothing is left behind by a run that was killed.

/// Bytes of a name: a word, the workspace's id, the run's number.
pub const LENGTH: usize = 6 + 32 + 1 + 16;

/// The name, in the kernel's own space of names, of the socket of `run` in the workspace `id`.
pub fn name(id: &[u8], run: u64) -> [u8; LENGTH] {
    let digits = (0..16).map(|place| (run >> (60 - 4 * place)) & 15);
    let digits =
        digits.map(|nibble| b"0123456789abcdef".get(nibble as usize).copied().unwrap_or(b'0'));
    let bytes = b"vrift-".iter().chain(id).chain(b"-").copied().chain(digits);
    let mut name = [b'.'; LENGTH];
    for (place, byte) in name.iter_mut().zip(bytes) {
        *place = byte;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_and_two_workspaces_have_different_names() {
        let id = [b'a'; 32];
        assert_ne!(name(&id, 1), name(&id, 2));
        assert_ne!(name(&id, 1), name(&[b'b'; 32], 1));
        assert!(name(&id, 255).ends_with(b"-00000000000000ff"));
    }
}
