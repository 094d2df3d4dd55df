//! A content store: one directory that holds each content once, named by its BLAKE3 digest.
//!
//! # The model
//!
//! A *blob* is immutable content. [`Store::put_bytes`], [`Store::put_reader`] and [`Store::put_file`] take
//! content in and say its [`Digest`]; [`Store::open_blob`] gives an open file for a digest. The store knows no
//! paths, no names and no modes of user files: that is the manifest's part. What is no longer named by
//! anything goes by [`Store::gc`], whose caller says what is named.
//!
//! ```text
//! format      says what this is, which version wrote it, and the store's name
//! boot        how many boots of the machine wrote here, and which one is the present
//! mark        what earlier boots are known to have brought to the disk (mark.before: the one before it)
//! blobs/ab/   the other 62 digits of the digest; mode 01555; the modification time is a stamp
//! staging/    a locked directory for each process that writes
//! trash/      blobs that gc found unneeded, still whole, until their grace is over
//! active/     a locked file for each activity that gc has to respect
//! images/  journals/  workspaces/    belong to the manifest
//! ```
//!
//! Any number of processes and threads may read, put, sync and collect at once, without a daemon. No reader and
//! no put ever waits for a lock that another process holds for longer than it takes to write a line.
//!
//! # What survives
//!
//! *A killed process* (at any instruction) leaves at most a file in the staging area, which the next gc or
//! [`Store::clear_staging`] removes. Under a blob's name there is the whole blob or nothing.
//!
//! *A power cut* takes what was put since the last [`Store::sync`], and may leave files with a good
//! name and without their bytes. Putting never syncs one by one: put everything, sync once, and only then
//! acknowledge. A blob that is there already stands for new content only if it cannot have been hit by a
//! cut: it was written since the boot, or it was covered by a sync of the boot that wrote it, or
//! it is read and hashed now; else it is replaced. No wall clock is believed in this: a blob's stamp is made of the
//! number of the boot and the uptime.
//!
//! *A failed write-back* makes the sync fail, and makes the store distrust everything written until then.
//!
//! # Limits
//!
//! - Linux only; the directory must be on one file system that renames atomically and has locks (`flock`).
//!   Where time stamps are not kept to the nanosecond, blobs of earlier boots are hashed when they are put again.
//! - Opening a blob does not check its bytes; [`Store::verify`] does.
//! - It is assumed that `syncfs` tells the truth and that the store's files are changed by nobody else.
//!   A blob that was edited in place is noticed when it is put again (its stamp is gone) or verified, not
//!   when it is opened.
//! - A write-back error that the kernel reported to somebody else before the store was opened is not seen.
//! - A store shared by several machines over a network is correct only if each opens it anew after
//!   another one has written; it then counts as another boot.
//!
//! # Example
//!
//! ```
//! use std::collections::HashSet;
//! use std::io::Read;
//! use vrift_cas::{Digest, GcOptions, Store};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("store");
//! let store = Store::create_or_open(&path)?;
//!
//! let work = store.begin()?; // gc leaves alone what is put from here on
//! let put = store.put_bytes(b"int main;")?;
//! assert!(put.new);
//! assert_eq!(put.digest, Digest::of(b"int main;"));
//! assert!(!store.put_reader(&mut &b"int main;"[..])?.new);
//! store.sync()?; // only now may it be acknowledged
//! let names = HashSet::from([put.digest]); // and recorded
//! drop(work);
//!
//! let mut text = String::new();
//! store.open_blob(&put.digest)?.read_to_string(&mut text)?;
//! assert_eq!(text, "int main;");
//! assert!(store.verify(&put.digest)?.is_sound());
//!
//! let report = store.gc(&GcOptions::default(), &mut || Ok::<_, std::io::Error>(names.clone()))?;
//! assert_eq!(report.moved, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod digest;
mod error;
mod facts;
mod holes;
mod layout;
mod limit;
mod path;
mod sealer;
mod stamp;
mod store;

pub use digest::{Digest, DigestError, Hasher};
pub use error::StoreError;
pub use holes::{Stretch, may_have_holes, stretch};
pub use limit::within_limit;
pub use path::with_path;
pub use sealer::{BlobPath, Sealer, Standing, make_directory};
pub use stamp::{LAST_BOOT, Stamp};
pub use store::Store;
pub use store::activity::Activity;
pub use store::blobs::{BlobInfo, Blobs, Found};
pub use store::clear::Leftovers;
pub use store::gc::{GcError, GcOptions, GcReport};
pub use store::put::Put;
pub use store::staging::Staged;
pub use store::verify::Verdict;
