//! Which paths show a content.

use std::collections::{BTreeMap, BTreeSet};

use vrift_cas::Digest;
use vrift_manifest::attributes::Kind;
use vrift_manifest::image::{Damaged, Image};
use vrift_manifest::tree::Tree;
use vrift_manifest::workspace::{Config, Workspace, open_image};

use super::{Check, Hit, Subject};
use crate::ingest::join;

/// How many earlier states of a workspace are looked through for the name that a content had then. Each is loaded
/// for it.
const STATES: usize = 100;

/// Paths by content.
type Paths = BTreeMap<Digest, BTreeSet<Vec<u8>>>;

impl Check<'_> {
    /// Finds the paths of all damaged contents.
    pub(super) fn trace(&mut self) {
        let wanted = self.bad_contents();
        if wanted.is_empty() {
            return;
        }
        let mut hits: BTreeMap<Digest, Vec<Hit>> = BTreeMap::new();
        for (name, config) in &self.configs {
            // The same name in several states is told once, for the latest that has it.
            let mut told = Paths::new();
            let mut tell = |seq: Option<u64>, paths: Paths| {
                for (digest, paths) in paths {
                    for path in paths {
                        if told.entry(digest).or_default().insert(path.clone()) {
                            let hit = Hit { workspace: name.clone(), seq, path };
                            hits.entry(digest).or_default().push(hit);
                        }
                    }
                }
            };
            let workspace = Workspace::open(self.home, name).ok();
            if let Some(workspace) = &workspace {
                tell(None, in_tree(workspace.tree(), &wanted));
            }
            let given = self.reach.records.iter().rev();
            let given =
                given.filter(|given| given.workspace == *name && wanted.contains(&given.digest));
            for given in given.take(STATES) {
                let view = workspace.as_ref().and_then(|workspace| workspace.view(given.seq).ok());
                if let Some(view) = view {
                    tell(Some(given.seq), in_tree(&view, &BTreeSet::from([given.digest])));
                }
            }
            for (base, paths) in self.in_images(config, &wanted) {
                tell(Some(base), paths);
            }
        }
        for damage in &mut self.report.damages {
            if let Subject::Content(digest) = damage.subject {
                damage.hits = hits.remove(&digest).unwrap_or_default();
            }
        }
    }

    /// The eras whose images can be opened, latest first.
    fn in_images(&self, config: &Config, wanted: &BTreeSet<Digest>) -> Vec<(u64, Paths)> {
        let mut found = Vec::new();
        for era in config.era.iter().rev() {
            let Ok(image) = open_image(self.home.store(), &era.image) else { continue };
            let mut paths = Paths::new();
            for index in 0..image.record_count() {
                // A record that lies is told as damage of the image.
                if let Ok(Some((digest, path))) = in_record(&image, index, wanted) {
                    paths.entry(digest).or_default().insert(path);
                }
            }
            found.push((era.base, paths));
        }
        found
    }
}

/// The paths in a tree. What cannot be read is passed over: it is damage of its own.
fn in_tree(tree: &Tree, wanted: &BTreeSet<Digest>) -> Paths {
    let mut paths = Paths::new();
    let mut pending = vec![(Vec::new(), tree.root())];
    while let Some((path, directory)) = pending.pop() {
        let Ok(children) = tree.children(directory) else { continue };
        for (name, child) in children.flatten() {
            match tree.kind(child) {
                Ok(Kind::Directory) => pending.push((join(&path, &name), child)),
                Ok(Kind::File) => {
                    let digest = tree.digest(child).ok().flatten();
                    if let Some(digest) = digest.filter(|digest| wanted.contains(digest)) {
                        paths.entry(digest).or_default().insert(join(&path, &name));
                    }
                }
                _ => {}
            }
        }
    }
    paths
}

/// The path of an image's record, if it shows one of the contents.
fn in_record(
    image: &Image<impl AsRef<[u8]>>,
    index: u32,
    wanted: &BTreeSet<Digest>,
) -> Result<Option<(Digest, Vec<u8>)>, Damaged> {
    let primary = image.primary(index)?;
    if image.kind(primary)? != Kind::File {
        return Ok(None);
    }
    let digest = image.digest(primary)?;
    if !wanted.contains(&digest) {
        return Ok(None);
    }
    let (mut names, mut at) = (Vec::new(), index);
    while at != 0 {
        names.push(image.name(at)?);
        at = image.parent(at)?;
    }
    names.reverse();
    Ok(Some((digest, names.join(&b'/'))))
}
