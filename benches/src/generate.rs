//! Trees to measure with.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use vrift_cas::{Digest, Store};
use vrift_manifest::attributes::{Attributes, Content};
use vrift_manifest::image::{Builder, NodeSpec};
use vrift_manifest::time::Timestamp;
use vrift_manifest::workspace::{Home, NewWorkspace, write_image};

/// Writes a tree of text files whose sizes are spread as those of source code: a median of about 4.5 KiB, few large.
pub fn source(root: &Path, files: u32) -> io::Result<()> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let words = [
        "static", "int", "return", "struct", "node", "tree", "length", "index", "buffer", "if",
        "else",
    ];
    for number in 0..files {
        let directory = root.join(format!("m{:02}/d{:03}", number / 500, number / 20));
        fs::create_dir_all(&directory)?;
        // The sum of several random numbers, as an exponent, is near enough to a log-normal spread.
        let exponent = 7.0 + (0..4).map(|_| (next() % 1_000) as f64 / 1_000.0).sum::<f64>() * 2.6;
        let size = (2_f64.powf(exponent) as usize).min(400_000);
        let mut text = format!("/* {number} */\n");
        while text.len() < size {
            text.push_str(words[(next() % words.len() as u64) as usize]);
            text.push(if next() % 9 == 0 { '\n' } else { ' ' });
        }
        fs::write(directory.join(format!("file{:02}.c", number % 20)), text)?;
    }
    Ok(())
}

/// Writes a tree of so many empty files, as [`workspace`] has it.
pub fn real(root: &Path, files: u32) -> io::Result<()> {
    let mut directory = root.to_owned();
    for number in 0..files {
        if number % 1_000 == 0 {
            directory = root.join(format!("directory{}", number / 1_000));
            fs::create_dir_all(&directory)?;
        }
        fs::File::create(directory.join(format!("file{number}.c")))?;
    }
    Ok(())
}

/// Makes a workspace of so many empty files, a thousand in each directory.
pub fn workspace(store: &Path, name: &str, files: u32) -> io::Result<()> {
    let store = Store::create_or_open(store).map_err(io::Error::other)?;
    let home = Home::new(Arc::new(store), &[]);
    let time = Timestamp { sec: 1_600_000_000, nsec: 0 };
    let attributes = |mode| Attributes {
        mode,
        uid: 0,
        gid: 0,
        nlink: 1,
        size: 0,
        atime: time,
        mtime: time,
        ctime: time,
        rdev: 0,
    };
    let mut node = 0;
    let mut spec = |mode: u32, content| {
        node += 1;
        NodeSpec { node, attributes: attributes(mode), content, xattrs: &[] }
    };
    let mut builder = Builder::new(spec(0o040755, Content::None)).map_err(io::Error::other)?;
    let mut directory = builder.root();
    for number in 0..files {
        if number % 1_000 == 0 {
            let name = format!("directory{}", number / 1_000);
            let root = builder.root();
            let made = builder.add(root, name.as_bytes(), spec(0o040755, Content::None));
            directory = made.map_err(io::Error::other)?;
        }
        let name = format!("file{number}.c");
        let file = spec(0o100644, Content::Blob(Digest::EMPTY));
        builder.add(directory, name.as_bytes(), file).map_err(io::Error::other)?;
    }
    let image = write_image(home.store(), builder, node + 1).map_err(io::Error::other)?.image_id;
    let mount = format!("/vrift/{name}").into();
    let new = NewWorkspace { name: name.to_owned(), mount, origin: None, image };
    new.create(&home).map_err(io::Error::other)
}
