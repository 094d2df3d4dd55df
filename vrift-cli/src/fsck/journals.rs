//! Journals: every record that a workspace's history has can be read.

use std::collections::BTreeMap;
use std::time::Duration;

use vrift_cas::Digest;
use vrift_manifest::journal::replay::{Records, Tail};
use vrift_manifest::journal::{Operation, SegmentId};
use vrift_manifest::workspace::{read_segment, segment_path};

use super::reach::Given;
use super::{Check, Damage, Subject, text};

/// A stretch of a segment that a workspace's history has.
struct Use {
    workspace: String,
    first: u64,
    /// None: the segment is open.
    last: Option<u64>,
}

impl Check<'_> {
    /// Checks the segments of the workspaces.
    pub(super) fn journals(&mut self) {
        let mut segments: BTreeMap<[u8; 16], Vec<Use>> = BTreeMap::new();
        for (name, config) in &self.configs {
            for era in &config.era {
                for segment in &era.segment {
                    // What lies before the era's beginning is in its image.
                    let first = segment.first.max(era.base + 1);
                    let used = Use { workspace: name.clone(), first, last: segment.last };
                    segments.entry(segment.id.0).or_default().push(used);
                }
            }
        }
        for (id, uses) in segments {
            self.report.journals += 1;
            self.segment(SegmentId(id), &uses);
        }
    }

    fn segment(&mut self, id: SegmentId, uses: &[Use]) {
        let store = self.home.store();
        let path = segment_path(store, id);
        let states = |from: u64| {
            let hit = uses.iter().filter(|used| used.last.is_none_or(|last| last >= from));
            hit.map(|used| states(&used.workspace, from.max(used.first), used.last)).collect()
        };
        for attempt in 0.. {
            let bytes = match read_segment(store, id) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let mut damage = Damage::new(Subject::Journal(id), path, text(&error));
                    damage.states = states(0);
                    return self.damage(damage);
                }
            };
            let mut records = match Records::of(&bytes, id) {
                Ok(records) => records,
                Err(error) => {
                    let mut damage = Damage::new(Subject::Journal(id), path, text(&error));
                    damage.states = states(0);
                    return self.damage(damage);
                }
            };
            let mut given = Vec::new();
            for placed in records.by_ref() {
                if let Operation::SetContent { digest, size, .. }
                | Operation::Sealed { digest, size, .. } = placed.record.operation
                {
                    given.push((placed.seq, Digest::from_bytes(digest), size));
                }
            }
            let next = records.next_seq();
            let open = uses.iter().any(|used| used.last.is_none());
            let short =
                uses.iter().filter_map(|used| used.last).max().is_some_and(|last| last >= next);
            let damaged = open && matches!(records.tail(false), Tail::Damage { .. });
            // A segment that is being appended to may show a later record without the one before.
            if (short || damaged) && attempt < 4 && open {
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            for (seq, digest, size) in given {
                for used in uses.iter().filter(|used| covers(used, seq)) {
                    self.reach.add(digest, size);
                    let workspace = used.workspace.clone();
                    self.reach.records.push(Given { workspace, seq, digest });
                }
            }
            if short || damaged {
                let what = format!("record {next} at offset {} cannot be read", records.offset());
                let mut damage = Damage::new(Subject::Journal(id), path, what);
                damage.states = states(next);
                self.damage(damage);
            }
            return;
        }
    }
}

fn covers(used: &Use, seq: u64) -> bool {
    used.first <= seq && used.last.is_none_or(|last| seq <= last)
}

/// States in words.
pub(super) fn states(workspace: &str, from: u64, until: Option<u64>) -> String {
    match until {
        None => format!("{workspace}: its states from {from} on"),
        Some(until) if until <= from => format!("{workspace}@{from}"),
        Some(until) => format!("{workspace}: its states {from} to {until}"),
    }
}
