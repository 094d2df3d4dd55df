//! Where things lie in the live index, in words.

/// "VRIFTIDX", little-endian.
pub const MAGIC: u64 = u64::from_le_bytes(*b"VRIFTIDX");
/// The layout described here.
pub const VERSION: u64 = 4;

/// Words of the header; the arena begins behind it.
pub const HEADER: usize = 64;

/// Header: [`MAGIC`], stored last when an index is built, so that a half-built one is not taken for one.
pub const H_MAGIC: usize = 0;
/// Header: [`VERSION`].
pub const H_VERSION: usize = 1;
/// Header: the epoch this index belongs to.
pub const H_EPOCH: usize = 2;
/// Header: words of the arena in use, counted from the start of the file.
pub const H_USED: usize = 4;
/// Header: position in the journal up to which this index is applied.
pub const H_APPLIED: usize = 5;
/// Header: bumped after each change that can alter what a directory prefix means.
pub const H_GENERATION: usize = 6;
/// Header: the next node number.
pub const H_NEXT_NODE: usize = 7;
/// Header: the clock's floor in nanoseconds since 1970, one word so that it never goes back. No stamp is older.
pub const H_FLOOR: usize = 8;
/// Header: the number of the workspace whose drafts count; 0 = none do.
pub const H_OWNER: usize = 9;
/// Header: node table, `offset << 8 | log2 of its slots`.
pub const H_NODE_TABLE: usize = 10;
/// Header: node records in the table.
pub const H_NODES: usize = 11;
/// Header: entry table, as the node table.
pub const H_ENTRY_TABLE: usize = 12;
/// Header: entry records in the table.
pub const H_ENTRIES: usize = 13;
/// Header: words of the file that may be used.
pub const H_SIZE: usize = 14;
/// Header: drafts that were opened by records up to this one are none any more.
pub const H_DRAFTS_AFTER: usize = 15;
/// Header: the digest of the image below, four words.
pub const H_IMAGE: usize = 16;
/// Words of the header from its start on that are there once more.
pub const DOUBLED: usize = H_IMAGE + 4;
/// Header: where they are.
pub const H_AGAIN: usize = 40;

/// Node record: its number.
pub const N_NUMBER: usize = 0;
/// Node record: the image record it stands for, or [`NO_RECORD`].
pub const N_IMAGE: usize = 1;
/// Node record of a directory: the newest entry record of its child list.
pub const N_CHILDREN: usize = 2;
/// Node record: the latch's version.
pub const N_VERSION: usize = 3;
/// Node record: the latch's two copies.
pub const N_COPIES: usize = 4;
/// Words of one copy.
pub const COPY: usize = 16;
/// Words of a node record.
pub const NODE: usize = N_COPIES + 2 * COPY;

/// "Not in the image."
pub const NO_RECORD: u32 = u32::MAX;

/// Entry record: the directory's node record.
pub const E_PARENT: usize = 0;
/// Entry record: the node record that the name means, 0 = none.
pub const E_NODE: usize = 1;
/// Entry record: the next older entry of the directory.
pub const E_NEXT: usize = 2;
/// Entry record: length of the name, and the flags below.
pub const E_NAME_LEN: usize = 3;
/// Entry record: the hash of the name.
pub const E_HASH: usize = 4;
/// Entry record: the name's bytes, little-endian in words, zero-padded.
pub const E_NAME: usize = 5;

/// In [`E_NEXT`]: the oldest entry of its directory (0 means: not in the list yet).
pub const END_OF_LIST: u64 = u64::MAX << 32;

/// Flag beside the name's length: the image has this name in this directory too.
pub const E_IN_IMAGE: u64 = 1 << 16;

/// Slots of a new table, as a power of two.
pub const FIRST_TABLE_BITS: u32 = 8;

/// Address space reserved for an index, in words (512 MiB): the bound at which a workspace must be compacted.
pub const CAPACITY: usize = 1 << 26;

/// The file grows by this many words at least (2 MiB): what the kernel can map as a whole, so that a mapping that ends where the file
/// does has nothing but such pieces.
pub const GROWTH: usize = 1 << 18;

/// Words kept free for what must still work when there is no more room: removing things.
pub const RESERVE: usize = 1 << 13;
