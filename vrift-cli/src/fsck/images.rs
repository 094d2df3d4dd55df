//! Images: the digest of each is its name, and its parts belong together.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use vrift_cas::{Digest, Hasher};
use vrift_manifest::image;
use vrift_manifest::workspace::{image_path, open_image};

use super::{Check, Damage, Subject, text};
use crate::error::{Error, Result};

impl Check<'_> {
    /// Checks the images of the workspaces and, if the whole store is checked, all others.
    pub(super) fn images(&mut self) -> Result<()> {
        let mut images: BTreeSet<Digest> =
            self.configs.iter().flat_map(|(_, config)| &config.era).map(|era| era.image).collect();
        images.extend(self.configs.iter().filter_map(|(_, config)| config.base()));
        let needed = images.clone();
        if self.only.is_none() {
            images.extend(self.other_images()?);
        }
        for digest in images {
            self.report.images += 1;
            let path = image_path(self.home.store(), &digest);
            if let Err(what) = self.image(&digest, needed.contains(&digest)) {
                let mut damage = Damage::new(Subject::Image(digest), path, what);
                damage.states = self.states_of_image(&digest);
                self.damage(damage);
            }
        }
        Ok(())
    }

    fn other_images(&mut self) -> Result<Vec<Digest>> {
        let directory = self.home.store().images_dir();
        let listing = |error| Error::at("list", &directory, error);
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(listing)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(listing)?.file_name();
            found.extend(name.to_str().and_then(|name| name.parse::<Digest>().ok()));
        }
        Ok(found)
    }

    fn image(&mut self, digest: &Digest, needed: bool) -> Result<(), String> {
        let store = self.home.store();
        // This also brings it back, if it is in the trash.
        let opened = open_image(store, digest);
        let found = match hash(&image_path(store, digest)) {
            Ok(found) => found,
            // Removed by gc since the directory was listed.
            Err(error) if !needed && error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(format!("it cannot be read: {error}")),
        };
        if found != *digest {
            return Err("its bytes have another digest".to_owned());
        }
        let image = opened.map_err(|error| text(&error))?;
        let wrong = image::verify(&image);
        if let Some(first) = wrong.first() {
            return Err(format!("it contradicts itself: {first} ({} findings)", wrong.len()));
        }
        if needed {
            self.reach.add_image(&image).map_err(|damaged| damaged.to_string())?;
        }
        Ok(())
    }

    /// The states that an image is needed for.
    fn states_of_image(&self, digest: &Digest) -> Vec<String> {
        let mut states = Vec::new();
        for (name, config) in &self.configs {
            for (place, era) in config.era.iter().enumerate() {
                if era.image == *digest {
                    let until = config.era.get(place + 1).map(|next| next.base.saturating_sub(1));
                    states.push(super::journals::states(name, era.base, until));
                }
            }
            if config.base() == Some(*digest) {
                states.push(format!("what {name} had in common with its directory"));
            }
        }
        states
    }
}

fn hash(path: &Path) -> std::io::Result<Digest> {
    let (mut file, mut hasher) = (File::open(path)?, Hasher::new());
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}
