//! Buffers that outlive their use: zeroing or mapping a fresh one for each file of a large tree costs more
//! than reading the file.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use super::Store;

/// As many as there may be threads that put at once; others allocate.
const KEPT: usize = 8;

/// Buffers that wait for their next use.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

/// A buffer in use.
pub(super) struct Buffer<'a> {
    bytes: Vec<u8>,
    home: &'a Buffers,
}

impl Store {
    /// An empty buffer.
    pub(super) fn buffer(&self) -> Buffer<'_> {
        let bytes = self.buffers.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { bytes: bytes.unwrap_or_default(), home: &self.buffers }
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let mut kept = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(bytes);
        }
    }
}

impl Deref for Buffer<'_> {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer<'_> {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}
