//! Images in the store: named by their own digest, written aside and renamed.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::{Action, WorkspaceError};
use super::files;
use super::runtime::random_id;
use super::trash;
use crate::image::{BuildError, Builder, Image, Summary};
use crate::shm::Mapping;
use vrift_cas::{Digest, Store};

/// Where the image with this digest lies.
pub fn path(store: &Store, image: &Digest) -> PathBuf {
    store.images_dir().join(image.to_string())
}

/// Maps an image. Its content is checked where it is read; see [`crate::image::verify()`] for all of it at once.
pub fn open(store: &Store, image: &Digest) -> Result<Arc<Image<Mapping>>, WorkspaceError> {
    let path = path(store, image);
    let file = trash::open(store, &path).map_err(Action::Read.of(&path))?;
    let mapping = Mapping::of(&file).map_err(Action::Read.of(&path))?;
    match Image::open(mapping) {
        Ok(image) => Ok(Arc::new(image)),
        Err(source) => Err(WorkspaceError::Image { path, source }),
    }
}

/// Reads an image whole and compares its digest with its name.
pub fn check(store: &Store, image: &Digest) -> Result<(), WorkspaceError> {
    match Digest::of(open(store, image)?.as_bytes()) == *image {
        true => Ok(()),
        false => Err(WorkspaceError::WrongDigest(path(store, image))),
    }
}

/// Writes what a builder holds as an image of the store. Durable with the store's next sync.
pub fn write(store: &Store, builder: Builder, next_node: u64) -> Result<Summary, WorkspaceError> {
    let directory = store.images_dir();
    fs::create_dir_all(&directory).map_err(Action::Create.of(&directory))?;
    let random = random_id().map_err(Action::Create.of(&directory))?;
    let staged = directory.join(format!(".new-{:032x}", u128::from_le_bytes(random)));
    let written = write_to(&staged, builder, next_node, store);
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&staged);
    }
    written
}

fn write_to(
    staged: &PathBuf,
    builder: Builder,
    next_node: u64,
    store: &Store,
) -> Result<Summary, WorkspaceError> {
    let file = File::create_new(staged).map_err(Action::Create.of(staged))?;
    files::give(store, staged).map_err(Action::Create.of(staged))?;
    let mut out = BufWriter::with_capacity(1 << 20, files::Limited::new(file));
    let summary = match builder.finish(next_node, &mut out) {
        Err(BuildError::Write(error)) => return Err(Action::Write.of(staged)(error)),
        other => other?,
    };
    out.flush().map_err(Action::Write.of(staged))?;
    let read_only = fs::Permissions::from_mode(0o444);
    out.get_ref().file().set_permissions(read_only).map_err(Action::Write.of(staged))?;
    let path = path(store, &summary.image_id);
    fs::rename(staged, &path).map_err(Action::Create.of(&path))?;
    Ok(summary)
}
