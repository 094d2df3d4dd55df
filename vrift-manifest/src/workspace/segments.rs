//! The files of journal segments.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::{Action, WorkspaceError};
use super::{files, trash};
use crate::journal::{Position, SegmentId};
use crate::shm::grow_file;
use vrift_cas::{Store, within_limit};

/// Where the segment with this name lies.
pub fn segment_path(store: &Store, id: SegmentId) -> PathBuf {
    store.journals_dir().join(id.to_string())
}

/// Where it lies in the store at `root`.
pub fn path_of_segment(root: &Path, id: SegmentId) -> PathBuf {
    root.join("journals").join(id.to_string())
}

/// Reads a segment's bytes.
pub fn read_segment(store: &Store, id: SegmentId) -> Result<Vec<u8>, WorkspaceError> {
    let path = segment_path(store, id);
    let mut bytes = Vec::new();
    let mut read = || trash::open(store, &path)?.read_to_end(&mut bytes);
    read().map_err(Action::Read.of(&path))?;
    Ok(bytes)
}

/// Keeps the bytes of a segment from `from` on in a file beside it; the file's path.
pub fn copy_aside(store: &Store, id: SegmentId, from: Position) -> Result<PathBuf, WorkspaceError> {
    let bytes = read_segment(store, id)?;
    let tail = bytes.get(from.offset() as usize..).unwrap_or(&[]);
    let kept = &tail[..tail.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)];
    let path = segment_path(store, id);
    let aside = (0..)
        .map(|number| path.with_extension(format!("cut-{}-{number}", from.offset())))
        .find(|aside| !aside.exists())
        .expect("some number is free");
    files::write(store, &aside, kept).map_err(Action::Write.of(&aside))?;
    Ok(aside)
}

/// As [`copy_aside`], and clears the bytes in the segment.
pub fn cut_aside(store: &Store, id: SegmentId, from: Position) -> Result<PathBuf, WorkspaceError> {
    let aside = copy_aside(store, id, from)?;
    clear_from(store, id, from)?;
    Ok(aside)
}

/// Clears the bytes of a segment from `from` on.
pub fn clear_from(store: &Store, id: SegmentId, from: Position) -> Result<(), WorkspaceError> {
    let path = segment_path(store, id);
    let act = || -> io::Result<()> {
        let segment = fs::File::options().write(true).open(&path)?;
        let length = segment.metadata()?.len();
        within_limit(length)?;
        let zeros = vec![0; length.saturating_sub(from.offset()) as usize];
        segment.write_all_at(&zeros, from.offset())?;
        segment.sync_all()
    };
    act().map_err(Action::Write.of(&path))
}

/// Makes the file of a new segment, with room for its first records, unless it is there.
pub fn ensure_segment(store: &Store, id: SegmentId, first_seq: u64) -> Result<(), WorkspaceError> {
    let directory = store.journals_dir();
    fs::create_dir_all(&directory).map_err(Action::Create.of(&directory))?;
    let path = segment_path(store, id);
    if path.try_exists().map_err(Action::Read.of(&path))? {
        return Ok(());
    }
    let staged = path.with_extension("new");
    let act = || -> io::Result<()> {
        put_segment(store, &staged, id, first_seq)?.sync_all()?;
        fs::rename(&staged, &path)?;
        files::sync_directory(&directory)
    };
    files::or_remove(&staged, act()).map_err(Action::Create.of(&path))
}

/// Makes the file of a segment that nothing names. It is on the disk when the store was synced after that.
pub fn new_segment(store: &Store, id: SegmentId, first_seq: u64) -> Result<(), WorkspaceError> {
    let directory = store.journals_dir();
    fs::create_dir_all(&directory).map_err(Action::Create.of(&directory))?;
    let path = segment_path(store, id);
    files::or_remove(&path, put_segment(store, &path, id, first_seq).map(drop))
        .map_err(Action::Create.of(&path))
}

fn put_segment(store: &Store, path: &Path, id: SegmentId, first_seq: u64) -> io::Result<fs::File> {
    let file = files::create(store, path)?;
    keep_in_place(&file);
    grow_file(&file, FIRST_CHUNK)?;
    file.write_all_at(&crate::journal::segment::header(id, first_seq), 0)?;
    Ok(file)
}

/// Where a file system would write changed blocks elsewhere (btrfs), it would need room for that on a full disk, and
/// a mapping that gets none is a SIGBUS. Others do not know the flag.
pub fn keep_in_place(file: &fs::File) {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let filesystem = rustix::fs::fstatfs(file).map(|found| found.f_type);
    if filesystem.is_ok_and(|kind| kind == BTRFS)
        && let Ok(flags) = ioctl_getflags(file)
    {
        let _ = ioctl_setflags(file, flags | IFlags::NOCOW);
    }
}

const BTRFS: rustix::fs::FsWord = 0x9123_683e;

/// Room in a new segment: enough for a few hundred records and the reserve.
const FIRST_CHUNK: u64 = 64 << 10;
