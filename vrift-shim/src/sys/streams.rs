//! The directory streams that the program has open.

use super::pool::{Handle, Pool};
use crate::vfs::listing::Stream;

/// They.
pub static STREAMS: Pool<Stream> = Pool::new();

/// A directory stream, ours or the C library's.
pub type Directory = Handle;
