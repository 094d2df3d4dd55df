//! A store holds each content once, named by its BLAKE3 digest.
#![forbid(unsafe_code)]

mod digest;
mod error;
mod facts;
mod layout;
mod stamp;
mod store;

pub use digest::{Digest, DigestError, Hasher};
pub use error::StoreError;
pub use stamp::Stamp;
pub use store::Store;
pub use store::activity::Activity;
pub use store::blobs::{BlobInfo, Blobs, Found};
pub use store::clear::Leftovers;
pub use store::gc::{GcError, GcOptions, GcReport};
pub use store::put::Put;
pub use store::staging::Staged;
pub use store::verify::Verdict;
