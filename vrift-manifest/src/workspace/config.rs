//! `workspace.toml`: what a workspace is made of. Small, replaced as a whole, on disk before the change counts.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{Action, WorkspaceError};
use super::escape;
use super::files;
use crate::journal::SegmentId;
use crate::time::Timestamp;
use vrift_cas::{Digest, Store};

/// The format written here.
pub const FORMAT: u32 = 1;

/// A workspace's description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The version of the format: 1.
    pub format: u32,
    /// Random; names the workspace's live index, so that a new one of the same name has another.
    pub id: String,
    /// Where processes see the tree.
    #[serde(with = "escape")]
    pub mount: PathBuf,
    /// The directory it was ingested from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The place it was forked from, as it was called then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// The past, oldest first: never empty.
    pub era: Vec<Era>,
    /// Names for moments.
    #[serde(default)]
    pub snapshot: Vec<Snapshot>,
}

/// Where a workspace came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The directory.
    #[serde(with = "escape")]
    pub directory: PathBuf,
    /// Globs left out.
    #[serde(default)]
    pub excludes: Vec<String>,
    /// The sequence number at which the tree was the directory's.
    pub seq: u64,
    /// The image of what the workspace and the directory had in common last: what each of them has changed since is
    /// told by it. An image of its own and no state of the history, since of two trees that both went on, what they
    /// have in common is neither; and so neither compaction nor a forgotten past takes it. Absent in descriptions of
    /// earlier versions: the tree at `seq`.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex_digest_if_any")]
    pub base: Option<Digest>,
}

/// A stretch of history over one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Era {
    /// The sequence number at which the image is the tree.
    pub base: u64,
    /// When that was, nanoseconds since 1970: the first state has no record that says it.
    pub time: i64,
    /// The image's digest.
    #[serde(with = "hex_digest")]
    pub image: Digest,
    /// What happened since.
    pub segment: Vec<Segment>,
}

/// A part of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its name.
    #[serde(with = "hex_segment")]
    pub id: SegmentId,
    /// The number of its first record.
    pub first: u64,
    /// The last record that counts; absent: the workspace's open segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
}

/// A name for a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The name.
    pub name: String,
    /// The moment: everything up to this number has happened.
    pub seq: u64,
    /// When it was taken, nanoseconds since 1970.
    pub time: i64,
}

impl Config {
    /// Reads the description in a workspace's directory.
    pub fn load(directory: &Path) -> Result<Config, WorkspaceError> {
        Config::read(&path(directory))
    }

    fn read(path: &Path) -> Result<Config, WorkspaceError> {
        let path = path.to_owned();
        let text = fs::read_to_string(&path).map_err(Action::Read.of(&path))?;
        let format = text.lines().find_map(|line| line.strip_prefix("format = ")?.parse().ok());
        if let Some(format @ 2u32..) = format {
            return Err(WorkspaceError::Newer { path, format, known: FORMAT });
        }
        let broken = |reason: String| WorkspaceError::Config { path: path.clone(), reason };
        let config: Config = toml::from_str(&text).map_err(|error| broken(error.to_string()))?;
        config.check().map_err(|reason| broken(reason.to_owned()))?;
        Ok(config)
    }

    /// What everyone relies on.
    fn check(&self) -> Result<(), &'static str> {
        if self.format != FORMAT {
            return Err("the format is not known");
        }
        let hex = self.id.len() == 32 && self.id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hex || !self.mount.is_absolute() {
            return Err("the id or the mount path is not one");
        }
        let mut next = None;
        for (place, era) in self.era.iter().enumerate() {
            if next.is_some_and(|next| next != era.base + 1) || era.segment.is_empty() {
                return Err("an era does not continue the one before it");
            }
            let mut expected = era.base + 1;
            for (part, segment) in era.segment.iter().enumerate() {
                let open = place + 1 == self.era.len() && part + 1 == era.segment.len();
                if segment.first > expected || segment.last.is_none() != open {
                    return Err("a segment does not continue the one before it");
                }
                expected = segment.last.map_or(expected, |last| last.saturating_add(1));
            }
            next = Some(expected);
        }
        if self.era.is_empty() { Err("there is no era") } else { Ok(()) }
    }

    /// Replaces the description on disk; when this returns, it is there for good.
    pub fn save(&self, store: &Store, directory: &Path) -> Result<(), WorkspaceError> {
        let staged = self.stage(store, directory)?;
        staged.sync()?;
        staged.put_in_place()
    }

    /// Writes what is to replace it. It is on the disk when it, or the store, was synced after that.
    pub fn stage(&self, store: &Store, directory: &Path) -> Result<Staged, WorkspaceError> {
        let path = path(directory);
        let text = self.text(&path)?;
        let mut file = store.stage()?;
        let at = file.path();
        let mut write = || {
            file.write_all(text.as_bytes())?;
            file.file().set_permissions(fs::Permissions::from_mode(MODE))
        };
        write().map_err(Action::Write.of(&at))?;
        Ok(Staged { file, path })
    }

    /// Writes down, on the disk, what the description is when the step that ends its era has happened: for this process and, if it
    /// dies between the step and `put_in_place`, for who finishes it. A journal says of the step only what a tree is made of.
    pub fn write_next(&self, store: &Store, directory: &Path) -> Result<Next, WorkspaceError> {
        let path = path(directory);
        let next = next(directory);
        files::write(store, &next, self.text(&path)?.as_bytes())
            .map_err(Action::Write.of(&next))?;
        Ok(Next { next, path })
    }

    /// What was written down of a step that may have happened and is not in this description yet. Nothing if it cannot be read.
    pub fn read_next(&self, directory: &Path) -> Option<Config> {
        let config = Config::read(&next(directory)).ok()?;
        let is_later = config.open_segment().id != self.open_segment().id;
        (config.id == self.id && is_later).then_some(config)
    }

    /// Writes it into a directory that is nobody's yet. It is on the disk when the store was synced after that.
    pub fn put(&self, store: &Store, directory: &Path) -> Result<(), WorkspaceError> {
        let path = path(directory);
        let text = self.text(&path)?;
        files::write_unsynced(store, &path, text.as_bytes()).map_err(Action::Create.of(&path))
    }

    fn text(&self, path: &Path) -> Result<String, WorkspaceError> {
        let refused = |error: toml::ser::Error| WorkspaceError::Config {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        toml::to_string(self).map_err(refused)
    }

    /// The era in force.
    pub fn last_era(&self) -> &Era {
        self.era.last().expect("`check` refuses a workspace without an era")
    }

    /// The era in force, to be changed.
    pub fn last_era_mut(&mut self) -> &mut Era {
        self.era.last_mut().expect("`check` refuses a workspace without an era")
    }

    /// The open segment.
    pub fn open_segment(&self) -> &Segment {
        self.last_era().segment.last().expect("`check` refuses an era without a segment")
    }

    /// The oldest state that the history still has.
    pub fn first_state(&self) -> u64 {
        self.era.first().map_or(0, |era| era.base)
    }

    /// The image of what the workspace and its directory had in common last; `None`: it came from none, or the image
    /// was forgotten by an earlier version.
    pub fn base(&self) -> Option<Digest> {
        let origin = self.origin.as_ref()?;
        let of_era = || self.era.iter().find(|era| era.base == origin.seq).map(|era| era.image);
        origin.base.or_else(of_era)
    }

    /// A named moment.
    pub fn snapshot(&self, name: &str) -> Option<&Snapshot> {
        self.snapshot.iter().find(|snapshot| snapshot.name == name)
    }
}

/// A description that is not in force yet.
#[derive(Debug)]
pub struct Staged {
    file: vrift_cas::Staged,
    path: PathBuf,
}

/// Nobody's but the user's.
const MODE: u32 = 0o600;

impl Staged {
    /// Brings it to the disk.
    pub fn sync(&self) -> Result<(), WorkspaceError> {
        self.file.file().sync_all().map_err(Action::Write.of(&self.file.path()))
    }

    /// Puts it in the place of the one in force; when this returns, it is there for good. It must be on the disk.
    pub fn put_in_place(self) -> Result<(), WorkspaceError> {
        self.file.publish(&self.path, MODE, false)?;
        sync_directory(self.path.parent().unwrap_or(&self.path))
    }
}

/// A description that is in force when the step has happened that it is of.
#[derive(Debug)]
pub struct Next {
    next: PathBuf,
    path: PathBuf,
}

impl Next {
    /// Puts it in the place of the one in force, as [`Staged::put_in_place`].
    pub fn put_in_place(self) -> Result<(), WorkspaceError> {
        fs::rename(&self.next, &self.path).map_err(Action::Write.of(&self.path))?;
        sync_directory(self.path.parent().unwrap_or(&self.path))
    }
}

/// Removes what was written down of a step that is in force by now, or never happened.
pub fn remove_next(directory: &Path) {
    let _ = fs::remove_file(next(directory));
}

/// Makes the entries of a directory durable.
pub fn sync_directory(directory: &Path) -> Result<(), WorkspaceError> {
    files::sync_directory(directory).map_err(Action::Write.of(directory))
}

fn path(directory: &Path) -> PathBuf {
    directory.join("workspace.toml")
}

fn next(directory: &Path) -> PathBuf {
    directory.join("workspace.toml.next")
}

/// Now, as snapshots keep it.
pub fn now_nanos() -> i64 {
    Timestamp::coarse_now().to_nanos()
}

mod hex_digest {
    use serde::{Deserialize, Deserializer, Serializer};
    use vrift_cas::Digest;

    pub fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(digest)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

mod hex_digest_if_any {
    use serde::{Deserialize, Deserializer, Serializer};
    use vrift_cas::Digest;

    pub fn serialize<S: Serializer>(digest: &Option<Digest>, to: S) -> Result<S::Ok, S::Error> {
        match digest {
            Some(digest) => to.collect_str(digest),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Digest>, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Some).map_err(serde::de::Error::custom)
    }
}

mod hex_segment {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::journal::SegmentId;

    pub fn serialize<S: Serializer>(id: &SegmentId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SegmentId, D::Error> {
        let text = String::deserialize(from)?;
        SegmentId::parse(&text).ok_or_else(|| serde::de::Error::custom("not a segment's id"))
    }
}
