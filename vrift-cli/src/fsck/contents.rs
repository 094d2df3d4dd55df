//! Contents: every blob is read and hashed, by all processors.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use vrift_cas::{Digest, Found, Verdict};

use super::{Check, Damage, Subject, text};
use crate::error::Result;
use crate::output::names;

impl Check<'_> {
    /// Reads all contents: those that are reached and, if the whole store is checked, all others.
    pub(super) fn contents(&mut self) -> Result<()> {
        let store = self.home.store();
        let mut contents: HashMap<Digest, bool> =
            self.reach.contents.keys().map(|digest| (*digest, true)).collect();
        if self.only.is_none() {
            for found in store.blobs()? {
                match found? {
                    Found::Blob(blob) => drop(contents.entry(blob.digest).or_insert(false)),
                    Found::Stray(path) => {
                        let path = names::path(&path);
                        self.report.notes.push(format!("'{path}' is nothing of the store's"));
                    }
                }
            }
        }
        // In the order of their places on the disk, as far as names tell it.
        let mut contents: Vec<(Digest, bool)> = contents.into_iter().collect();
        contents.sort_unstable();
        let verdicts = self.verify(&contents);
        let mut contradictions: BTreeMap<Digest, u64> =
            self.reach.contradictions.iter().copied().collect();
        for (digest, needed, verdict) in verdicts {
            let what = match verdict {
                Ok(Verdict::Sound { size }) => {
                    let said = self.reach.contents.get(&digest).filter(|said| **said != size);
                    let said = said.copied().or_else(|| contradictions.remove(&digest));
                    match said.filter(|said| *said != size) {
                        Some(said) => {
                            format!("it is sound and has {size} bytes, but a tree says {said}")
                        }
                        None => continue,
                    }
                }
                // Collected since the directory was listed.
                Ok(Verdict::Missing) if !needed => continue,
                Ok(Verdict::Missing) => "it is missing".to_owned(),
                Ok(Verdict::WrongSize { expected, found }) => {
                    format!("it has {found} bytes instead of {expected}")
                }
                Ok(Verdict::WrongContent { size, .. }) => {
                    match self.reach.contents.get(&digest).filter(|said| **said != size) {
                        Some(said) => format!("it has {size} bytes instead of {said}"),
                        None => "its bytes have another digest".to_owned(),
                    }
                }
                Ok(_) => "it is not a file".to_owned(),
                Err(error) => error,
            };
            let hex = digest.to_string();
            let (above, name) = hex.split_at(2);
            let path = store.blobs_dir().join(above).join(name);
            self.damage(Damage::new(Subject::Content(digest), path, what));
        }
        Ok(())
    }

    /// The verdicts on those that are not plainly sound, sorted; and on those whose length somebody disagrees about.
    fn verify(
        &mut self,
        contents: &[(Digest, bool)],
    ) -> Vec<(Digest, bool, Result<Verdict, String>)> {
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let (store, counters) = (self.home.store(), self.counters);
        let work = || {
            let mut own = Vec::new();
            while let Some(&(digest, needed)) = contents.get(next.fetch_add(1, Ordering::Relaxed)) {
                let verdict = store.verify(&digest).map_err(|error| text(&error));
                if let Ok(Verdict::Sound { size } | Verdict::WrongContent { size, .. }) = verdict {
                    counters.file(size);
                }
                own.push((digest, needed, verdict));
            }
            found.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
        };
        std::thread::scope(|scope| {
            for _ in 1..crate::walk::threads(None) {
                scope.spawn(work);
            }
            work();
        });
        self.report.contents = contents.len() as u64;
        self.report.bytes = counters.bytes();
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_unstable_by_key(|(digest, ..)| *digest);
        found
    }
}
