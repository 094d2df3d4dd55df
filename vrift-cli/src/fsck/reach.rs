//! What the workspaces that are checked reach.

use std::collections::HashMap;

use vrift_cas::Digest;
use vrift_manifest::attributes::Kind;
use vrift_manifest::image::{Damaged, Image};

/// Contents by the length that trees say they have.
#[derive(Default)]
pub struct Reach {
    /// The length that was said first.
    pub contents: HashMap<Digest, u64>,
    /// Other lengths that were said.
    pub contradictions: Vec<(Digest, u64)>,
    /// Records that gave files these contents.
    pub records: Vec<Given>,
}

/// A record of a journal that gave a file its content.
pub struct Given {
    /// The workspace.
    pub workspace: String,
    /// The record's number.
    pub seq: u64,
    /// The content.
    pub digest: Digest,
}

impl Reach {
    /// Adds a content.
    pub fn add(&mut self, digest: Digest, size: u64) {
        let said = *self.contents.entry(digest).or_insert(size);
        if said != size {
            self.contradictions.push((digest, size));
        }
    }

    /// Adds all contents of an image.
    pub fn add_image(&mut self, image: &Image<impl AsRef<[u8]>>) -> Result<(), Damaged> {
        for index in 0..image.record_count() {
            let record = image.record(index)?;
            if !record.is_alias() && Kind::of_mode(record.mode()) == Some(Kind::File) {
                self.add(image.digest(index)?, record.size());
            }
        }
        Ok(())
    }
}
