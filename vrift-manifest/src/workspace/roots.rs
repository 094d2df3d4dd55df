//! What must stay in the store: everything that any state of any workspace can show.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::ErrorKind::NotFound;
use std::time::Duration;

use super::config::Config;
use super::error::{Action, WorkspaceError};
use super::images;
use super::place::{Directory, Home};
use super::segments::{read_segment, segment_path};
use crate::attributes::Kind;
use crate::journal::replay::{Records, Tail};
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
    let mut before = configs(home)?;
    for _ in 0..TRIES {
        let mut roots = Roots::of(home, before.values())?;
        roots.add_begun(home, &before)?;
        // What is forked from a workspace that is then dropped goes from one description to another. Seen at two
        // different moments it could be missed in both; descriptions that stand still hide nothing.
        let after = configs(home)?;
        if before == after {
            return Ok(roots);
        }
        before = after;
    }
    let path = home.store.workspaces_dir();
    Err(Action::Read.of(&path)(std::io::Error::from(std::io::ErrorKind::ResourceBusy)))
}

/// How often reading is begun anew because a workspace was made, dropped or replaced meanwhile.
const TRIES: usize = 100;

/// The descriptions of all workspaces.
fn configs(home: &Home) -> Result<BTreeMap<String, Config>, WorkspaceError> {
    let mut configs = BTreeMap::new();
    for name in home.names()? {
        match Directory::of(home, &name) {
            Ok((_, config)) => drop(configs.insert(name, config)),
            // Dropped a moment ago, before or after its description was opened.
            Err(_) if !home.store.workspaces_dir().join(&name).is_dir() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(configs)
}

impl Roots {
    /// What these descriptions reach.
    pub fn of<'c>(
        home: &Home,
        configs: impl IntoIterator<Item = &'c Config>,
    ) -> Result<Roots, WorkspaceError> {
        let mut roots = Roots::default();
        for config in configs {
            roots.add_eras(home, config)?;
        }
        let segments: Vec<(SegmentId, u64)> = roots.segments.clone().into_iter().collect();
        for (id, last) in segments {
            roots.add_records(home, id, last)?;
        }
        Ok(roots)
    }

    fn add_eras(&mut self, home: &Home, config: &Config) -> Result<(), WorkspaceError> {
        if let Some(base) = config.base() {
            self.add_image(home, base)?;
        }
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
        // One wrong bit in it, and another content would be taken for the one that is needed.
        if Digest::of(image.as_bytes()) != digest {
            return Err(WorkspaceError::WrongDigest(images::path(&home.store, &digest)));
        }
        for index in 0..image.record_count() {
            let record = image.record(index)?;
            if !record.is_alias() && Kind::of_mode(record.mode()) == Some(Kind::File) {
                self.blobs.insert(image.digest(index)?);
            }
        }
        Ok(())
    }

    /// All records up to `last`. One that cannot be read may have named anything, so it is an error.
    fn add_records(&mut self, home: &Home, id: SegmentId, last: u64) -> Result<(), WorkspaceError> {
        let path = segment_path(&home.store, id);
        let mut tries = 0;
        loop {
            let bytes = read_segment(&home.store, id)?;
            let header = |source| WorkspaceError::SegmentHeader { path: path.clone(), source };
            let mut records = Records::of(&bytes, id).map_err(header)?;
            for placed in records.by_ref().take_while(|placed| placed.seq <= last) {
                self.add_record(home, &placed.record.operation)?;
            }
            let complete = last != u64::MAX && records.next_seq() > last;
            if complete || (last == u64::MAX && !matches!(records.tail(false), Tail::Damage { .. }))
            {
                return Ok(());
            }
            // A segment that is being appended to while it is read may show a later record without the one before.
            tries += 1;
            if tries == 5 || last != u64::MAX {
                return Err(WorkspaceError::Damaged {
                    workspace: self.users(home, id),
                    path,
                    offset: records.offset() as u64,
                    seq: records.next_seq(),
                });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn add_record(&mut self, home: &Home, operation: &Operation<'_>) -> Result<(), WorkspaceError> {
        match *operation {
            Operation::SetContent { digest, .. } | Operation::Sealed { digest, .. } => {
                self.blobs.insert(Digest::from_bytes(digest));
            }
            // Written down in the workspace's description too, unless its maker died in between.
            Operation::Rebased { image, segment, .. } => {
                self.add_image_if_there(home, Digest::from_bytes(image))?;
                self.segments.entry(SegmentId(segment)).or_default();
            }
            _ => {}
        }
        Ok(())
    }

    /// What the description of a workspace names when somebody finishes the step whose maker died.
    fn add_begun(
        &mut self,
        home: &Home,
        configs: &BTreeMap<String, Config>,
    ) -> Result<(), WorkspaceError> {
        for (name, config) in configs {
            let next = config.read_next(&home.store.workspaces_dir().join(name));
            // It has happened if a journal names its segment.
            let happened = |next: &Config| self.segments.contains_key(&next.open_segment().id);
            if let Some(base) = next.filter(happened).and_then(|next| next.base()) {
                self.add_image_if_there(home, base)?;
            }
        }
        Ok(())
    }

    /// An image, unless it is of a state that was forgotten.
    fn add_image_if_there(&mut self, home: &Home, digest: Digest) -> Result<(), WorkspaceError> {
        match self.add_image(home, digest) {
            Err(WorkspaceError::Io { source, .. }) if source.kind() == NotFound => Ok(()),
            other => other,
        }
    }

    /// For messages: which workspaces a segment belongs to.
    fn users(&self, home: &Home, id: SegmentId) -> String {
        let uses = |config: &Config| {
            config.era.iter().flat_map(|era| &era.segment).any(|segment| segment.id == id)
        };
        let configs = configs(home).unwrap_or_default();
        let names = configs.iter().filter(|(_, config)| uses(config)).map(|(name, _)| &**name);
        names.collect::<Vec<_>>().join("', '")
    }
}
