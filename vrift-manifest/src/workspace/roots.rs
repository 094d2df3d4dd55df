//! What must stay in the store: everything that any state of any workspace can show.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::config::Config;
use super::error::{Action, WorkspaceError};
use super::images;
use super::place::{Directory, Home};
use super::segments::{read_segment, segment_path};
use crate::attributes::Kind;
use crate::journal::replay::Records;
use crate::journal::{Operation, SegmentId};
use vrift_cas::Digest;

/// Everything that is reachable.
#[derive(Debug, Default)]
pub struct Roots {
    /// Blobs.
    pub blobs: HashSet<Digest>,
    /// Images.
    pub images: HashSet<Digest>,
    /// Journal segments, and the last record of each that counts.
    pub segments: HashMap<SegmentId, u64>,
}

/// Collects what all workspaces, all their snapshots and all their history reach. Anything that cannot be read is an
/// error: whoever removes what is not among the roots must stop then.
pub fn roots(home: &Home) -> Result<Roots, WorkspaceError> {
    let mut roots = Roots::default();
    for name in home.names()? {
        match Directory::of(home, &name) {
            Ok((_, config)) => roots.add_eras(home, &config)?,
            // Dropped a moment ago.
            Err(WorkspaceError::NoSuchWorkspace(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let segments: Vec<(SegmentId, u64)> = roots.segments.clone().into_iter().collect();
    for (id, last) in segments {
        roots.add_records(home, id, last)?;
    }
    Ok(roots)
}

impl Roots {
    fn add_eras(&mut self, home: &Home, config: &Config) -> Result<(), WorkspaceError> {
        for era in &config.era {
            self.add_image(home, era.image)?;
            for segment in &era.segment {
                // Of a segment that several workspaces share, the one that goes furthest counts.
                let last = self.segments.entry(segment.id).or_default();
                *last = (*last).max(segment.last.unwrap_or(u64::MAX));
            }
        }
        Ok(())
    }

    fn add_image(&mut self, home: &Home, digest: Digest) -> Result<(), WorkspaceError> {
        if !self.images.insert(digest) {
            return Ok(());
        }
        let image = images::open(&home.store, &digest)?;
        for index in 0..image.record_count() {
            let record = image.record(index)?;
            if !record.is_alias() && Kind::of_mode(record.mode()) == Some(Kind::File) {
                self.blobs.insert(image.digest(index)?);
            }
        }
        Ok(())
    }

    /// All records up to `last` that can be read, also behind a damaged place: rather keep too much.
    fn add_records(&mut self, home: &Home, id: SegmentId, last: u64) -> Result<(), WorkspaceError> {
        let bytes = read_segment(&home.store, id)?;
        let path = segment_path(&home.store, id);
        let records = Records::of(&bytes, id)
            .map_err(|source| WorkspaceError::SegmentHeader { path, source })?;
        for placed in records.and_behind_gaps().filter(|placed| placed.seq <= last) {
            match placed.record.operation {
                Operation::SetContent { digest, .. } => {
                    self.blobs.insert(Digest::from_bytes(digest));
                }
                // Written down in the workspace's description too, unless its maker died in between.
                Operation::Rebased { image, segment, .. } => {
                    let image = Digest::from_bytes(image);
                    if images::path(&home.store, &image).exists() {
                        self.add_image(home, image)?;
                    }
                    self.segments.entry(SegmentId(segment)).or_default();
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Files that no workspace needs.
#[derive(Debug, Default)]
pub struct Unused {
    /// Images, segments and what interrupted operations left.
    pub files: Vec<(PathBuf, u64)>,
}

/// Images and segments that are not among the `roots` and older than `grace`.
pub fn unused(home: &Home, roots: &Roots, grace: Duration) -> Result<Unused, WorkspaceError> {
    let horizon = SystemTime::now().checked_sub(grace).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut unused = Unused::default();
    let mut look =
        |directory: PathBuf, needed: &dyn Fn(&str) -> bool| -> Result<(), WorkspaceError> {
            let entries = match fs::read_dir(&directory) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
                other => other.map_err(Action::Read.of(&directory))?,
            };
            for entry in entries {
                let entry = entry.map_err(Action::Read.of(&directory))?;
                let name = entry.file_name();
                // What a repair put aside stays until a person removes it.
                if name.to_str().is_some_and(|name| needed(name) || name.contains(".cut-")) {
                    continue;
                }
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.modified().is_ok_and(|modified| modified <= horizon) {
                    unused.files.push((entry.path(), metadata.len()));
                }
            }
            Ok(())
        };
    look(home.store.images_dir(), &|name| {
        name.parse().is_ok_and(|digest: Digest| roots.images.contains(&digest))
    })?;
    look(home.store.journals_dir(), &|name| {
        SegmentId::parse(name).is_some_and(|id| roots.segments.contains_key(&id))
    })?;
    Ok(unused)
}
