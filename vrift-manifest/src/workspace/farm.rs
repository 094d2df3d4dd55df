//! What programs and libraries of a tree leave in the store's farm (`workspaces/NAME/farm`): second names of blobs, by which
//! the kernel and loaders know them. A name that is the last one of its file keeps a content that nothing else needs.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where the libraries of programs lie, a directory for each set of them.
const LIBRARIES: &str = ".libraries";
/// It lies in a set that is complete.
const COMPLETE: &str = ".complete";

/// Names to remove, and the bytes of their files.
#[derive(Default)]
pub struct Unneeded {
    /// Files of which nothing else knows.
    pub files: Vec<PathBuf>,
    /// Sets of libraries in which such a file is: they go as a whole.
    pub sets: Vec<PathBuf>,
    /// What that frees.
    pub bytes: u64,
}

/// What is unneeded in `farm`: what has no other name, and was last given or lost one so long ago that `is_over` says so.
pub fn unneeded(farm: &Path, is_over: impl Fn(&Metadata) -> bool) -> io::Result<Unneeded> {
    let mut found = Unneeded::default();
    let mut look = |directory: &Path| {
        let mut files = Vec::new();
        each_file(directory, &mut |path, metadata| {
            let is_last = metadata.is_file() && metadata.nlink() == 1;
            if is_last && is_over(metadata) {
                found.bytes += metadata.len();
                files.push(path);
            }
        })?;
        io::Result::Ok(files)
    };
    for directory in entries(farm)? {
        if directory.ends_with(LIBRARIES) {
            for set in entries(&directory)? {
                if !look(&set)?.is_empty() {
                    found.sets.push(set);
                }
            }
        } else {
            found.files.extend(look(&directory)?);
        }
    }
    Ok(found)
}

impl Unneeded {
    /// How many names and sets there are.
    pub fn count(&self) -> u64 {
        (self.files.len() + self.sets.len()) as u64
    }

    /// Removes all.
    pub fn remove(&self) -> io::Result<()> {
        for file in &self.files {
            unless_gone(fs::remove_file(file))?;
        }
        for set in &self.sets {
            // Whoever needs it from now on makes it anew.
            unless_gone(fs::remove_dir(set.join(COMPLETE)))?;
            unless_gone(fs::remove_dir_all(set))?;
        }
        Ok(())
    }
}

fn unless_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Calls `work` with a file, or with every file below a directory.
fn each_file(path: &Path, work: &mut impl FnMut(PathBuf, &Metadata)) -> io::Result<()> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    if !metadata.is_dir() {
        work(path.to_owned(), &metadata);
        return Ok(());
    }
    entries(path)?.iter().try_for_each(|entry| each_file(entry, work))
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other?.map(|entry| Ok(entry?.path())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_another_name_stays_and_a_set_of_libraries_goes_as_a_whole() {
        let room = tempfile::tempdir().unwrap();
        let (blobs, farm) = (room.path().join("blobs"), room.path().join("farm"));
        for directory in
            ["bin", ".libraries/kept/lib", ".libraries/old/lib", ".libraries/old/.complete"]
        {
            fs::create_dir_all(farm.join(directory)).unwrap();
        }
        fs::create_dir(&blobs).unwrap();
        for name in ["needed", "gone", "library"] {
            fs::write(blobs.join(name), name).unwrap();
        }
        let link =
            |blob: &str, name: &str| fs::hard_link(blobs.join(blob), farm.join(name)).unwrap();
        link("needed", "bin/needed");
        link("gone", "bin/gone");
        link("needed", ".libraries/kept/lib/libneeded.so");
        link("needed", ".libraries/old/lib/libneeded.so");
        link("library", ".libraries/old/lib/libold.so");
        fs::remove_file(blobs.join("gone")).unwrap();
        fs::remove_file(blobs.join("library")).unwrap();

        let young = unneeded(&farm, |_| false).unwrap();
        assert_eq!(young.count(), 0);
        let found = unneeded(&farm, |_| true).unwrap();
        assert_eq!(found.files, [farm.join("bin/gone")]);
        assert_eq!(found.sets, [farm.join(".libraries/old")]);
        assert_eq!(found.bytes, 11);
        found.remove().unwrap();
        assert!(farm.join("bin/needed").exists() && !farm.join("bin/gone").exists());
        assert!(farm.join(".libraries/kept/lib/libneeded.so").exists());
        assert!(!farm.join(".libraries/old").exists());
        assert_eq!(unneeded(&farm, |_| true).unwrap().count(), 0);
    }
}
