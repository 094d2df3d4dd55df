//! The image: a whole tree as one block of bytes that is never changed.
//!
//! An image is read where it lies (a mapping, or a vector): nothing is decoded when it is opened, so that ten
//! million files open as fast as ten. It has two parts. The *tree* part (records, pool, slots) is canonical: equal
//! trees have equal bytes, and so the same tree ID, whatever the order in which they were built and whatever their
//! node numbers are. The *identity* part (node numbers, ctime, atime) is the history beside it. Every byte is drawn
//! in `docs/format.md`.
//!
//! # Words
//! - **record**: 128 bytes, one per name. Its index is its place in breadth-first order; 0 is the root.
//! - **primary**: the first record of a node. Attributes and content are there and nowhere else.
//! - **alias**: a further name of a node that has several. It holds the index of the primary, which is smaller.
//!
//! # What is trusted
//! Nothing but the header, which [`Image::open`] checks together with the bounds of the sections, in constant time.
//! Whatever is read later is checked where it is read: an index or offset that lies is [`Damaged`], never a panic,
//! and no loop is longer than the section it runs over. Walking down through [`Image::children`] visits no record
//! twice and climbing by [`Image::parent`] ends, even in a hostile image. [`verify()`] checks everything.
//!
//! ```
//! use vrift_manifest::attributes::{Attributes, Content};
//! use vrift_manifest::hash::name_hash;
//! use vrift_manifest::image::{Builder, Image, NodeSpec};
//! use vrift_manifest::time::Timestamp;
//!
//! let time = Timestamp { sec: 1, nsec: 2 };
//! let mut attributes = Attributes {
//!     mode: 0o040755, uid: 0, gid: 0, nlink: 0, size: 0, atime: time, mtime: time, ctime: time, rdev: 0,
//! };
//! let root = NodeSpec { node: 1, attributes, content: Content::None, xattrs: &[] };
//! let mut builder = Builder::new(root)?;
//! attributes.mode = 0o120777;
//! let link = NodeSpec { node: 2, attributes, content: Content::Target(b"there"), xattrs: &[] };
//! builder.add(builder.root(), b"here", link)?;
//! let mut bytes = Vec::new();
//! builder.finish(3, &mut bytes)?;
//!
//! let image = Image::open(bytes)?;
//! let found = image.lookup(0, b"here", name_hash(b"here"))?.expect("it was added");
//! assert_eq!(image.symlink_target(found)?, b"there");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod build;
mod children;
mod encode;
mod error;
mod layout;
mod lookup;
mod open;
mod order;
mod read;
mod record;
mod tables;
mod verify;
mod write;
mod xattr;

pub use build::{BuildError, Builder, Handle, NodeSpec};
pub use children::Children;
pub use error::{Damaged, OpenError};
pub use layout::{MAX_RECORDS, VERSION};
pub use lookup::Rows;
pub use open::Image;
pub use record::Record;
pub use verify::verify;
pub use write::Summary;
pub use xattr::{Xattrs, append_block};
