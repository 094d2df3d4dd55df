//! Damage: what is done to which file.

use std::fs;
use std::path::{Path, PathBuf};

use super::pristine::write;
use super::scene::Scene;
use vrift_tests::random::Random;

/// What a file is to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Blob,
    Image,
    Journal,
    Index,
}

/// Damage that was done.
pub struct Hurt {
    /// To what.
    pub part: Part,
    /// Which file.
    pub path: PathBuf,
    /// In words.
    pub text: String,
    /// Whether something was lost by it, so that `fsck` has to find it: what is behind the last record of a journal is room,
    /// and a live index can be made anew.
    pub loses: bool,
}

const PAGE: usize = 4096;

impl Hurt {
    /// Does damage by chance.
    pub fn any(scene: &Scene, random: &mut Random) -> Hurt {
        loop {
            let part = match random.below(20) {
                0..7 => Part::Blob,
                7..12 => Part::Image,
                12..16 => Part::Journal,
                _ => Part::Index,
            };
            let files = files(scene, part);
            let path = random.pick(&files).clone();
            // What makes no difference is no damage.
            if let Some(how) = hurt(scene, part, &path, &files, random) {
                let name = path.strip_prefix(scene.store()).unwrap_or(&path);
                let text = format!("{part:?} {}: {how}", name.display());
                let loses = match part {
                    // Everybody knows the content of no bytes.
                    Part::Blob => !(scene.pristine.bytes(&path).is_empty() && how == "removed"),
                    Part::Image => true,
                    Part::Journal => lost(scene.pristine.bytes(&path), &path),
                    Part::Index => false,
                };
                return Hurt { part, path, text, loses };
            }
        }
    }
}

/// Where the last byte ends that is not zero.
fn last(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1)
}

/// Whether what is there now of a journal is not all that there was.
fn lost(old: &[u8], path: &Path) -> bool {
    let now = fs::read(path).unwrap_or_default();
    let used = last(old);
    now.get(..used) != old.get(..used)
}

/// The files that are such a part, in an order that is the same each time: most have names by chance, so those that are named
/// first where the workspaces are described come first.
pub fn files(scene: &Scene, part: Part) -> Vec<PathBuf> {
    let store = scene.store();
    let below = |name: &str| {
        let directory = store.join(name);
        scene.pristine.files(|path| path.starts_with(&directory))
    };
    let mut found = match part {
        // Their names say what is in them.
        Part::Blob => return below("blobs"),
        Part::Image => below("images"),
        Part::Journal => below("journals"),
        Part::Index => scene.pristine.files(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index-"))
        }),
    };
    let described = scene.described();
    found.sort_by_key(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Of a live index: the workspace's id is a part of it.
        let id = name.strip_prefix("index-").and_then(|name| name.get(..32)).unwrap_or(&name);
        (described.find(id).unwrap_or(usize::MAX), scene.pristine.bytes(path).len())
    });
    found
}

/// The bytes that are in use; behind them there is room.
fn used(part: Part, bytes: &[u8]) -> usize {
    let word =
        |at: usize| bytes.get(8 * at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    match part {
        // As the header says: a word for the words in use.
        Part::Index => word(4).map_or(0, |words| 8 * words as usize).clamp(512, bytes.len()),
        // And a little of the room.
        Part::Journal => (last(bytes) + 64).min(bytes.len()),
        Part::Blob | Part::Image => bytes.len(),
    }
}

fn hurt(
    scene: &Scene,
    part: Part,
    path: &Path,
    files: &[PathBuf],
    random: &mut Random,
) -> Option<String> {
    let old = scene.pristine.bytes(path);
    let mut bytes = old.to_vec();
    let used = used(part, old);
    let how = match random.below(20) {
        0..10 if used > 0 => {
            let count = 1 + random.below(3);
            let places: Vec<usize> = (0..count).map(|_| random.below(8 * used)).collect();
            places.iter().for_each(|bit| bytes[bit / 8] ^= 1 << (bit % 8));
            format!("bits flipped: {places:?}")
        }
        10..13 => {
            let length = random.below(used + 1);
            bytes.truncate(length);
            format!("cut to {length}")
        }
        13..16 if used > 0 => {
            let page = random.below(used.div_ceil(PAGE));
            let end = used.min((page + 1) * PAGE);
            // Of a small file a part.
            let start = page * PAGE + if used < PAGE { random.below(used) } else { 0 };
            bytes[start..end].fill(0);
            format!("zeros from {start} to {end}")
        }
        16..18 => {
            let other = random.pick(files);
            let theirs = scene.pristine.bytes(other);
            if theirs == old {
                return None;
            }
            write(other, old);
            bytes = theirs.to_vec();
            format!("changed places with {}", other.display())
        }
        18.. => {
            fs::remove_file(path).expect("it is ours");
            return Some("removed".to_owned());
        }
        _ => return None,
    };
    if bytes == old {
        return None;
    }
    write(path, &bytes);
    Some(how)
}
