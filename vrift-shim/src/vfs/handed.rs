//! What the environment said at the start, kept as it was: a program may write over its environment later. It is taken
//! apart when it is first needed; many processes never need it, and every page that a process touches at its start
//! costs all builds.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The most bytes that a variable may have here.
pub const MOST: usize = 1024;

/// Bytes that are written once, before the program runs, and read later.
pub struct Kept {
    words: [AtomicU64; MOST / 8],
    length: AtomicUsize,
}

impl Kept {
    /// Nothing.
    pub const fn nothing() -> Kept {
        Kept { words: [const { AtomicU64::new(0) }; MOST / 8], length: AtomicUsize::new(0) }
    }

    /// Whether it keeps something.
    #[inline]
    pub fn is_there(&self) -> bool {
        self.length.load(Ordering::Acquire) != 0
    }

    /// Keeps `bytes`; `None`: they are too many.
    pub fn keep(&self, bytes: &[u8]) -> Option<()> {
        if bytes.len() > MOST {
            return None;
        }
        for (word, chunk) in self.words.iter().zip(bytes.chunks(8)) {
            let mut padded = [0; 8];
            padded.get_mut(..chunk.len())?.copy_from_slice(chunk);
            word.store(u64::from_ne_bytes(padded), Ordering::Relaxed);
        }
        self.length.store(bytes.len(), Ordering::Release);
        Some(())
    }

    /// Keeps nothing from now on.
    pub fn forget(&self) {
        self.length.store(0, Ordering::Release);
    }

    /// What is kept.
    pub fn bytes<'b>(&self, room: &'b mut [u8; MOST]) -> &'b [u8] {
        let length = self.length.load(Ordering::Acquire).min(MOST);
        for (word, chunk) in self.words.iter().zip(room.as_chunks_mut::<8>().0) {
            *chunk = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        room.get(..length).unwrap_or(&[])
    }
}
