//! What the environment said at the start, kept as it was: a program may write over its environment later. It is taken
//! apart when it is first needed; many processes never need it, and every page that a process touches at its start
//! costs all builds.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The most bytes that all may have here.
pub const MOST: usize = 2048;

/// Byte strings that are written once, before the program runs, and read later. They lie close together, so that few pages
/// are touched (see `layout.ld`).
#[repr(C)]
pub struct Kept {
    lengths: [AtomicUsize; 2],
    words: [AtomicU64; MOST / 8],
}

impl Kept {
    /// Nothing.
    pub const fn nothing() -> Kept {
        let words = [const { AtomicU64::new(0) }; MOST / 8];
        Kept { lengths: [const { AtomicUsize::new(0) }; 2], words }
    }

    /// Whether it keeps something.
    #[inline]
    pub fn is_there(&self) -> bool {
        self.lengths[0].load(Ordering::Acquire) != 0
    }

    /// Keeps both, of which the first is not empty; `None`: they are too many bytes.
    #[inline(always)]
    pub fn keep(&self, first: &[u8], second: &[u8]) -> Option<()> {
        if first.len() + second.len() > MOST {
            return None;
        }
        let mut bytes = first.iter().chain(second);
        for word in &self.words {
            let mut padded = [0; 8];
            let taken = padded.iter_mut().zip(&mut bytes).map(|(place, byte)| *place = *byte);
            if taken.count() == 0 {
                break;
            }
            word.store(u64::from_ne_bytes(padded), Ordering::Relaxed);
        }
        self.lengths[1].store(second.len(), Ordering::Relaxed);
        self.lengths[0].store(first.len(), Ordering::Release);
        Some(())
    }

    /// Keeps nothing from now on.
    pub fn forget(&self) {
        self.lengths[0].store(0, Ordering::Release);
    }

    /// What is kept.
    pub fn bytes<'b>(&self, room: &'b mut [u8; MOST]) -> (&'b [u8], &'b [u8]) {
        let [first, second] = &self.lengths;
        let (first, second) = (first.load(Ordering::Acquire), second.load(Ordering::Relaxed));
        for (word, chunk) in self.words.iter().zip(room.as_chunks_mut::<8>().0) {
            *chunk = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        let both = room.get(..first + second).and_then(|both| both.split_at_checked(first));
        both.unwrap_or((&[], &[]))
    }
}
