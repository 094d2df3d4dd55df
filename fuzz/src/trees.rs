//! Trees over the smallest image, with a live index in memory.

use std::sync::{Arc, OnceLock};

use vrift_cas::{Digest, Store};
use vrift_manifest::attributes::{Attributes, Content};
use vrift_manifest::image::{Builder, NodeSpec};
use vrift_manifest::index::Index;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::Tree;
use vrift_manifest::workspace::{open_image, write_image};

use crate::changes::create;
use crate::posix::Model;

/// When the image's nodes were made.
pub const MADE: Timestamp = Timestamp { sec: 1_000_000_000, nsec: 5 };

/// A store of this process, on tmpfs where there is one.
fn store() -> &'static Store {
    static STORE: OnceLock<(tempfile::TempDir, Store)> = OnceLock::new();
    let (_, store) = STORE.get_or_init(|| {
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let directory = directory.expect("a temporary directory");
        let store = Store::create_or_open(directory.path().join("store")).expect("a store");
        (directory, store)
    });
    store
}

/// A tree whose image has the root, the directory `d` (2), the file `d/f` (3) and the symlink `s` to `d` (4).
pub fn over_small_image() -> Tree {
    static IMAGE: OnceLock<Digest> = OnceLock::new();
    let image = IMAGE.get_or_init(|| {
        let spec = |node, mode: u32, nlink, size, content| NodeSpec {
            node,
            attributes: attributes(mode, nlink, size),
            content,
            xattrs: &[],
        };
        let root = spec(1, 0o040755, 3, 4096, Content::None);
        let mut builder = Builder::new(root).expect("a root");
        let root = builder.root();
        let directory = spec(2, 0o040755, 2, 4096, Content::None);
        let directory = builder.add(root, b"d", directory).expect("a directory");
        let file = spec(3, 0o100644, 1, 0, Content::Blob(Digest::EMPTY));
        builder.add(directory, b"f", file).expect("a file");
        let link = spec(4, 0o120777, 1, 1, Content::Target(b"d"));
        builder.add(root, b"s", link).expect("a link");
        write_image(store(), builder, 5).expect("an image").image_id
    });
    with(*image)
}

/// What [`over_small_image`] has, as the model.
pub fn small_model() -> Model {
    let mut model = Model::new(0, 0, MADE);
    model.apply(&create(1, b"d", 0o040755, b""), MADE, 2);
    model.apply(&create(2, b"f", 0o100644, b""), MADE, 3);
    model.apply(&create(1, b"s", 0o120777, b"d"), MADE, 4);
    model
}

fn attributes(mode: u32, nlink: u32, size: u64) -> Attributes {
    Attributes { mode, uid: 0, gid: 0, nlink, size, atime: MADE, mtime: MADE, ctime: MADE, rdev: 0 }
}

/// The tree of an image and an empty index.
fn with(image: Digest) -> Tree {
    let image = open_image(store(), &image).expect("it was just written");
    Tree::new(Arc::clone(&image), Index::private().expect("memory"))
}

/// As [`over_small_image`], with that index instead.
pub fn with_index(index: Index) -> Tree {
    let small = over_small_image();
    let image = open_image(store(), &Digest::of(small.image().as_bytes())).expect("it is there");
    Tree::new(image, index)
}
