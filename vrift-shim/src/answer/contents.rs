//! Whose content a descriptor has that is asked about: nobody has closed it here, and it comes anew with each call. The
//! store knows digests, and to look for one in the tree takes the longer the larger that is. So what was handed out is remembered.
//!
//! Of several files with the same content and mark it is the first, as long as that has it: for looking that is as good as what
//! the search finds. Who is to change something searches.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use vrift_cas::Digest;
use vrift_manifest::session::Session;

/// How many are remembered.
const MOST: usize = 100_000;

/// By the beginning of a digest, and the mark.
static KNOWN: LazyLock<Mutex<HashMap<(u64, u8), u64>>> = LazyLock::new(Mutex::default);

fn known() -> MutexGuard<'static, HashMap<(u64, u8), u64>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The call that this thread answers only looks.
    static LOOKS: Cell<bool> = const { Cell::new(false) };
}

/// What this thread does from here on only looks, or may do more.
pub fn looks(only: bool) {
    LOOKS.set(only);
}

fn key(digest: &Digest, mark: u8) -> (u64, u8) {
    let (words, _) = digest.as_bytes().as_chunks::<8>();
    (words.first().copied().map_or(0, u64::from_le_bytes), mark)
}

/// The file with this content and mark, if it is remembered and still is one, and that is good enough.
pub fn recall(session: &Session, digest: &Digest, mark: u8) -> Option<u64> {
    let node = LOOKS.get().then(|| known().get(&key(digest, mark)).copied()).flatten()?;
    (session.tree().digest_of(node).as_ref() == Some(digest)).then_some(node)
}

/// What is open of this file goes to whoever has asked.
pub fn hand_out(session: &Session, node: u64, mark: u8) {
    let Some(digest) = session.tree().digest_of(node) else { return };
    let mut known = known();
    if known.len() >= MOST {
        known.clear();
    }
    let first = *known.entry(key(&digest, mark)).or_insert(node);
    if first != node && session.tree().digest_of(first) != Some(digest) {
        known.insert(key(&digest, mark), node);
    }
}
