//! The source side of `ingest`: a real directory is read into a [`Tree`], and its files' contents into a store.
//!
//! The directory is walked by several threads, each going relative to open directories (`openat`, `O_NOFOLLOW`), so
//! neither long paths nor directories that are renamed meanwhile lead it astray. A [`StatCache`] of the last ingest
//! makes an unchanged directory cost one `stat` an entry.
//!
//! What it does not see: a change within the file system's time granularity of the moment in which a file is read
//! leaves the same times behind. Such files are marked, and read again by the next ingest.

mod bring;
mod content;
mod exclude;
mod image;
mod list;
mod merge;
mod problem;
mod read;
mod scan;
mod stat_cache;
mod tree;
mod xattrs;

pub(crate) use bring::{CACHE, listed, remember, scan_origin, tag_of};
pub use bring::{Ingested, Job, Step};
pub use content::{Contents, PutError, Stored};
pub use exclude::Exclude;
pub(crate) use list::{attributes, join};
pub use problem::{Problem, What};
pub use scan::{Options, Scan, ScanError, scan};
pub use stat_cache::StatCache;
pub use tree::{Entry, Found, Tree, Xattr};
