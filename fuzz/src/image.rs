//! Images: made sound again after an edit, and read in every way.

use vrift_cas::Digest;
use vrift_manifest::hash::name_hash;
use vrift_manifest::image::{Builder, Handle, Image, NodeSpec};

const HEADER: usize = 256;

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at + 8)?.try_into().ok()?;
    usize::try_from(u64::from_le_bytes(word)).ok()
}

/// Puts the two digests right, if the sections are where the header says.
pub fn digest(bytes: &mut [u8]) -> Option<()> {
    let section = |place: usize| {
        let at = word(bytes, 24 + 16 * place)?;
        bytes.get(at..at.checked_add(word(bytes, 32 + 16 * place)?)?)
    };
    let tree = Digest::of(&[section(0)?, section(1)?, section(2)?].concat());
    let identity = Digest::of(&[section(3)?, section(4)?].concat());
    bytes.get_mut(128..160)?.copy_from_slice(tree.as_bytes());
    bytes.get_mut(160..192)?.copy_from_slice(identity.as_bytes());
    Some(())
}

/// Puts magic, version and the header's checksum right, so that what is behind them is reached.
pub fn seal(bytes: &mut [u8]) {
    if bytes.len() < HEADER {
        return;
    }
    bytes[..8].copy_from_slice(b"VRIFTIMG");
    bytes[8..16].copy_from_slice(&[1, 0, 0, 0, 0, 1, 0, 0]);
    bytes[248..HEADER].fill(0);
    let digest = Digest::of(&bytes[..HEADER]);
    bytes[248..HEADER].copy_from_slice(&digest.as_bytes()[..8]);
}

/// Calls every accessor with every index. It has to end by itself.
pub fn touch_all<B: AsRef<[u8]>>(image: &Image<B>) {
    let count = image.record_count();
    let mut listed = 0;
    for index in (0..count).chain([u32::MAX]) {
        let _ = image.record(index).map(|record| (record.name_len(), record.uid(), record.count()));
        let _ = (image.attributes(index), image.content(index), image.digest(index));
        let _ = (image.symlink_target(index), image.xattr_block(index), image.primary(index));
        if let Ok(xattrs) = image.xattrs(index) {
            xattrs.for_each(drop);
        }
        if let Ok(node) = image.node_number(index) {
            let _ = image.by_number(node);
        }
        if let (Ok(name), Ok(parent)) = (image.name(index), image.parent(index)) {
            let _ = image.lookup(parent, name, name_hash(name));
            let _ = image.lookup(index, name, name_hash(name));
            let _ = image.lookup_entry(parent, b"missing", name_hash(b"missing"));
        }
        if let Ok(entries) = image.entries(index) {
            listed += entries.filter(Result::is_ok).count();
        }
    }
    assert!(listed < count as usize, "a record is in two directories");
}

/// Builds the tree of a sound image anew.
pub fn rebuild<B: AsRef<[u8]>>(image: &Image<B>) -> Vec<u8> {
    let count = image.record_count();
    let with = |index: u32, add: &mut dyn FnMut(NodeSpec<'_>) -> Option<Handle>| {
        let xattrs: Vec<_> =
            image.xattrs(index).expect("sound").map(|item| item.expect("sound")).collect();
        let handle = add(NodeSpec {
            node: image.node_number(index).expect("sound"),
            attributes: image.attributes(index).expect("sound"),
            content: image.content(index).expect("sound"),
            xattrs: &xattrs,
        });
        handle
    };
    let mut builder = None;
    with(0, &mut |spec| {
        builder = Some(Builder::new(spec).expect("sound"));
        None
    });
    let mut builder = builder.expect("just made");
    let mut handles = vec![builder.root()];
    for index in 1..count {
        let parent = handles[image.parent(index).expect("sound") as usize];
        let name = image.name(index).expect("sound");
        let primary = image.primary(index).expect("sound");
        if primary != index {
            let handle = handles[primary as usize];
            builder.add_link(parent, name, handle).expect("sound");
            handles.push(handle);
        } else {
            let made =
                with(index, &mut |spec| Some(builder.add(parent, name, spec).expect("sound")));
            handles.push(made.expect("just made"));
        }
    }
    let mut bytes = Vec::new();
    builder.finish(image.next_node(), &mut bytes).expect("sound");
    bytes
}
