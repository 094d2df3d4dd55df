//! The past: any state as a tree, and the records in order.

use super::attach;
use super::build;
use super::config::{Config, Segment};
use super::error::WorkspaceError;
use super::images;
use super::load::End;
use super::open::Workspace;
use super::segments::{read_segment, segment_path};
use crate::journal::Record;
use crate::journal::replay::Records;
use crate::tree::Tree;

/// A moment in a workspace's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// The present.
    Now,
    /// After this record.
    Seq(u64),
    /// As named.
    Snapshot(String),
}

/// A record with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The number.
    pub seq: u64,
    /// The record.
    pub record: Record<'a>,
}

impl Workspace {
    /// The number of the state at `moment`.
    pub fn resolve(&self, moment: &Moment) -> Result<u64, WorkspaceError> {
        let config = self.config()?;
        let head = self.head();
        match moment {
            Moment::Now => Ok(head),
            Moment::Seq(seq) => {
                let known = (config.first_state()..=head).contains(seq);
                if known { Ok(*seq) } else { Err(self.no_such_state(&config, *seq)) }
            }
            Moment::Snapshot(name) => match config.snapshot(name) {
                Some(snapshot) => Ok(snapshot.seq),
                None => Err(WorkspaceError::NoSuchSnapshot {
                    workspace: self.name().to_owned(),
                    snapshot: name.clone(),
                }),
            },
        }
    }

    pub(super) fn no_such_state(&self, config: &Config, seq: u64) -> WorkspaceError {
        let (workspace, first) = (self.name().to_owned(), config.first_state());
        WorkspaceError::NoSuchState { workspace, seq, first, last: self.head() }
    }

    /// The oldest state that history still has.
    pub fn oldest(&self) -> Result<u64, WorkspaceError> {
        Ok(self.config()?.first_state())
    }

    /// The tree as it was after record `seq`.
    pub fn view(&self, seq: u64) -> Result<Tree, WorkspaceError> {
        self.resolve(&Moment::Seq(seq))?;
        let config = self.config()?;
        let era = config.era.iter().rev().find(|era| era.base <= seq);
        let era = era.ok_or_else(|| self.no_such_state(&config, seq))?;
        if self.home.verify {
            images::check(&self.place.store, &era.image)?;
        }
        let image = images::open(&self.place.store, &era.image)?;
        let region = attach::private_region()?;
        let (tree, _) =
            build::load_into(&self.place, era, image, region, End::At(seq), 0, u64::MAX)?;
        Ok(tree)
    }

    /// Hands every record with a number in `[from, to]` to `each`, oldest first, until it says no.
    pub fn for_each_record(
        &self,
        from: u64,
        to: u64,
        mut each: impl FnMut(&Entry<'_>) -> bool,
    ) -> Result<(), WorkspaceError> {
        let to = to.min(self.head());
        let mut next = from;
        for era in &self.config()?.era {
            for segment in &era.segment {
                let last = segment.last.unwrap_or(to).min(to);
                if segment.first > last || last < next {
                    continue;
                }
                match self.records_of(segment, next, last, &mut each)? {
                    Some(seq) => next = seq,
                    None => return Ok(()),
                }
            }
        }
        Ok(())
    }

    /// The records `[from, last]` of one segment; the number that follows, or `None` when `each` had enough.
    fn records_of(
        &self,
        segment: &Segment,
        from: u64,
        last: u64,
        each: &mut impl FnMut(&Entry<'_>) -> bool,
    ) -> Result<Option<u64>, WorkspaceError> {
        let path = segment_path(&self.place.store, segment.id);
        let bytes = read_segment(&self.place.store, segment.id)?;
        let mut records = Records::of(&bytes, segment.id)
            .map_err(|source| WorkspaceError::SegmentHeader { path: path.clone(), source })?;
        while records.next_seq() <= last {
            let offset = records.offset() as u64;
            let Some(placed) = records.next() else {
                return Err(WorkspaceError::Damaged {
                    workspace: self.name().to_owned(),
                    path,
                    offset,
                    seq: records.next_seq(),
                });
            };
            if placed.seq >= from && !each(&Entry { seq: placed.seq, record: placed.record }) {
                return Ok(None);
            }
        }
        Ok(Some(last + 1))
    }
}
