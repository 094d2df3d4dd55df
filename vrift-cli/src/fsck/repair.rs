//! Healing what can be healed. Nothing is deleted: what is damaged is moved aside.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use vrift_cas::{Digest, Hasher, Verdict};
use vrift_manifest::journal::SegmentId;
use vrift_manifest::workspace::{Workspace, repair_control};

use super::{Check, Damage, Subject, text};
use crate::error::Result;
use crate::output::{human, names};

impl Check<'_> {
    /// Goes through what was found.
    pub(super) fn repair(&mut self) -> Result<()> {
        let mut damages = std::mem::take(&mut self.report.damages);
        for damage in &mut damages {
            let (done, stands) = match damage.subject.clone() {
                Subject::Content(digest) => self.content(&digest, damage)?,
                Subject::Journal(id) => self.journal(id),
                Subject::Image(digest) => self.damaged_image(&digest, damage),
                Subject::Control(name) => self.control(&name),
                Subject::Index(name) => self.index(&name),
                Subject::Drafts(name) => self.drafts(&name),
                Subject::Workspace(_) => (
                    "left as it is: without it nothing is known of the workspace; `vrift drop` removes the workspace"
                        .to_owned(),
                    true,
                ),
            };
            (damage.done, damage.stands) = (Some(done), stands);
        }
        self.home.store().sync()?;
        let cleared = self.home.store().clear_staging()?;
        if cleared.files > 0 {
            let (files, bytes) =
                (human::counted(cleared.files, "file"), human::size(cleared.bytes));
            self.report
                .notes
                .push(format!("cleared {files} ({bytes}) that killed commands had left"));
        }
        self.report.damages = damages;
        Ok(())
    }

    /// Puts a damaged content aside and looks for a sound copy: in the trash, then in the directories that the
    /// workspaces came from.
    fn content(&self, digest: &Digest, damage: &Damage) -> Result<(String, bool)> {
        let store = self.home.store();
        if store.verify(digest).is_ok_and(Verdict::is_sound) {
            return Ok((
                "the content is sound; the tree that says otherwise is left as it is".to_owned(),
                true,
            ));
        }
        let aside = match store.set_aside(digest)? {
            Some(aside) => format!("moved aside to '{}'; ", names::path(&aside)),
            None => String::new(),
        };
        if store.verify(digest).is_ok_and(Verdict::is_sound) {
            drop(store.open_blob(digest)?);
            return Ok((format!("{aside}a sound copy was in the trash"), false));
        }
        for (place, file) in self.originals(damage) {
            if hash(&file).is_ok_and(|found| found == *digest) {
                let put = store.put_file(&file)?;
                if put.digest == *digest {
                    return Ok((format!("{aside}put anew from '{}'", names::path(&place)), false));
                }
            }
        }
        if damage.hits.is_empty() {
            return Ok((format!("{aside}nothing needs it"), false));
        }
        Ok((
            format!("{aside}lost: no sound copy was found; an ingest of it heals these paths"),
            true,
        ))
    }

    /// The real files that may have the content.
    fn originals(&self, damage: &Damage) -> Vec<(PathBuf, File)> {
        let mut found = Vec::new();
        for hit in &damage.hits {
            let config = self.configs.iter().find(|(name, _)| *name == hit.workspace);
            let Some(origin) = config.and_then(|(_, config)| config.origin.as_ref()) else {
                continue;
            };
            let path = origin.directory.join(OsStr::from_bytes(&hit.path));
            if let Some(file) = open(&path)
                && !found.iter().any(|(known, _)| *known == path)
            {
                found.push((path, file));
            }
        }
        found
    }

    /// Ends the history of the workspaces that write this segment before the damaged place.
    fn journal(&self, id: SegmentId) -> (String, bool) {
        let (mut done, mut stands) = (Vec::new(), false);
        for (name, config) in &self.configs {
            let mut segments = config.era.iter().flat_map(|era| &era.segment);
            if !segments.any(|segment| segment.id == id) {
                continue;
            }
            let repaired = Workspace::open(self.home, name).and_then(|mut workspace| {
                let kept = workspace.repair()?;
                Ok((kept, workspace.head()))
            });
            match repaired {
                Ok((Some(kept), head)) => {
                    let kept = names::path(&kept);
                    done.push(format!(
                        "'{name}' ends at state {head} now; what came after is kept in '{kept}'"
                    ));
                }
                Ok((None, _)) => {
                    stands = true;
                    done.push(format!(
                        "the present state of '{name}' is sound; the earlier states that are named stay unreadable, \
                        and keep gc from working until they are forgotten or the workspace is dropped"
                    ));
                }
                Err(error) => {
                    stands = true;
                    done.push(format!("'{name}' cannot be repaired: {}", text(&error)));
                }
            }
        }
        (done.join("; "), stands)
    }

    /// An image cannot be made again. One that nobody needs is moved out of the way.
    fn damaged_image(&self, digest: &Digest, damage: &Damage) -> (String, bool) {
        if !damage.states.is_empty() {
            return (
                "left as it is: these states are lost; a workspace whose present state is among them can be dropped, \
                and its directory ingested again"
                    .to_owned(),
                true,
            );
        }
        let moved = self.home.store().aside().map_err(|error| text(&error)).and_then(|aside| {
            let to = aside.join(format!("image-{digest}"));
            std::fs::rename(&damage.path, &to).map_err(|error| error.to_string())?;
            Ok(to)
        });
        match moved {
            Ok(to) => (format!("nothing needs it; moved aside to '{}'", names::path(&to)), false),
            Err(error) => (format!("nothing needs it; it cannot be moved aside: {error}"), true),
        }
    }

    /// The control page says nothing that the journal does not say too.
    fn control(&self, name: &str) -> (String, bool) {
        let made = repair_control(self.home, name)
            .and_then(|aside| Workspace::open(self.home, name).map(|_| aside));
        match made {
            Ok(aside) => (
                format!("made anew from the journal; the old one is '{}'", names::path(&aside)),
                false,
            ),
            Err(error) => (format!("it cannot be repaired: {}", text(&error)), true),
        }
    }
}

impl Check<'_> {
    /// The live index holds nothing that is not in image and journal.
    fn index(&self, name: &str) -> (String, bool) {
        let renewed = Workspace::open(self.home, name).and_then(|mut it| it.renew_index());
        match renewed {
            Ok(()) => ("built anew from image and journal".to_owned(), false),
            Err(error) => (format!("it cannot be built anew: {}", text(&error)), true),
        }
    }

    /// A file has what was sealed last, where nothing newer is left.
    fn drafts(&self, name: &str) -> (String, bool) {
        match Workspace::open(self.home, name).and_then(|mut it| it.renew_drafts()) {
            Ok(()) => ("these files have what was sealed last".to_owned(), false),
            Err(error) => (format!("they cannot be made anew: {}", text(&error)), true),
        }
    }
}

/// Opens a regular file, if it is one.
fn open(path: &Path) -> Option<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    file.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(file)
}

fn hash(file: &File) -> std::io::Result<Digest> {
    use std::os::unix::fs::FileExt;
    let (mut hasher, mut at, mut buffer) = (Hasher::new(), 0, vec![0; 1 << 18]);
    loop {
        match file.read_at(&mut buffer, at)? {
            0 => return Ok(hasher.finish()),
            read => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                at += read as u64;
            }
        }
    }
}
