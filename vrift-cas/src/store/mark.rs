//! The file `mark`: what earlier boots are known to have brought to the disk.
//!
//! For each boot in which the store was synced, one line: the boot's number, and two times at which the last
//! sync of that boot began: the tick of the uptime, and the wall clock. A blob that was complete before both is
//! on the disk, whole. The tick alone would do for blobs written by this program; the wall clock
//! (compared with the blob's ctime, which nobody can set) keeps a store that was copied elsewhere, times and
//! all, from trusting copies that have not reached their disk.
//!
//! The file is not synced. A cut may leave it torn, then its sum is wrong and it is as if it were not there;
//! the one before it, kept as `mark.before`, was brought to the disk by the very sync that wrote this one.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::facts::Clock;
use crate::stamp::Stamp;

const TITLE: &str = "vrift mark 1";

/// The most boots remembered: a bound for the file, far beyond what a machine's life brings.
const BOOTS: usize = 4096;

/// Per boot, when its last successful sync began.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub(super) struct Marks(BTreeMap<u32, (u32, Clock)>);

impl Marks {
    /// Whether a file complete at `stamp`, and not changed since `ctime`, was on the disk when its boot was
    /// last synced.
    pub(super) fn cover(&self, stamp: Stamp, ctime: Clock) -> bool {
        self.0.get(&stamp.boot).is_some_and(|&(tick, clock)| stamp.tick < tick && ctime < clock)
    }

    /// Notes that everything complete before `begun` is on the disk. Of two syncs the later one counts.
    pub(super) fn note(&mut self, begun: Stamp, clock: Clock) {
        let mark = self.0.entry(begun.boot).or_insert((begun.tick, clock));
        if mark.0 <= begun.tick {
            *mark = (begun.tick, clock);
        }
        while self.0.len() > BOOTS {
            self.0.pop_first();
        }
    }

    /// Takes over what `other` knows.
    pub(super) fn merge(&mut self, other: Marks) {
        for (boot, (tick, clock)) in other.0 {
            self.note(Stamp { boot, tick }, clock);
        }
    }

    /// The text of the file.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{TITLE}\n");
        for (boot, (tick, clock)) in &self.0 {
            text += &format!("{boot} {tick} {} {}\n", clock.seconds, clock.nanoseconds);
        }
        let sum = Digest::of(text.as_bytes());
        text + &format!("sum {sum}\n")
    }

    /// The marks in a file; none if the file is not whole.
    pub(super) fn parse(text: &[u8]) -> Option<Marks> {
        let text = std::str::from_utf8(text).ok()?;
        let body = &text[..text.rfind("sum ")?];
        let sum: Digest =
            text[body.len()..].strip_prefix("sum ")?.strip_suffix('\n')?.parse().ok()?;
        if sum != Digest::of(body.as_bytes()) {
            return None;
        }
        let mut lines = body.lines();
        if lines.next() != Some(TITLE) {
            return None;
        }
        let mut marks = Marks::default();
        for line in lines {
            let mut words = line.split(' ');
            let boot = words.next()?.parse().ok()?;
            let tick = words.next()?.parse().ok()?;
            let seconds = words.next()?.parse().ok()?;
            let nanoseconds = words.next()?.parse().ok()?;
            marks.note(Stamp { boot, tick }, Clock { seconds, nanoseconds });
        }
        Some(marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(seconds: i64) -> Clock {
        Clock { seconds, nanoseconds: 0 }
    }

    #[test]
    fn a_file_is_covered_only_if_both_its_times_are_before_the_sync() {
        let mut marks = Marks::default();
        marks.note(Stamp { boot: 3, tick: 100 }, clock(50));
        assert!(marks.cover(Stamp { boot: 3, tick: 99 }, clock(49)));
        assert!(!marks.cover(Stamp { boot: 3, tick: 100 }, clock(49)));
        assert!(!marks.cover(Stamp { boot: 3, tick: 99 }, clock(50)));
        assert!(!marks.cover(Stamp { boot: 2, tick: 99 }, clock(49)));
        assert!(!marks.cover(Stamp { boot: 4, tick: 99 }, clock(49)));
    }

    #[test]
    fn an_earlier_sync_that_ends_late_does_not_undo_a_later_one() {
        let mut marks = Marks::default();
        marks.note(Stamp { boot: 1, tick: 9 }, clock(9));
        marks.note(Stamp { boot: 1, tick: 5 }, clock(5));
        assert!(marks.cover(Stamp { boot: 1, tick: 8 }, clock(8)));
    }

    #[test]
    fn a_torn_or_altered_file_has_no_marks() {
        let mut marks = Marks::default();
        marks.note(Stamp { boot: 1, tick: 9 }, clock(9));
        marks.note(Stamp { boot: 7, tick: 1 }, clock(-3));
        let text = marks.text();
        assert_eq!(Marks::parse(text.as_bytes()), Some(marks));
        for cut in 0..text.len() {
            assert_eq!(Marks::parse(&text.as_bytes()[..cut]), None, "cut at {cut}");
            let mut bytes = text.clone().into_bytes();
            bytes[cut] ^= 1;
            assert_eq!(Marks::parse(&bytes), None, "flipped at {cut}");
        }
        assert_eq!(Marks::parse(&vec![0; text.len()]), None);
    }

    #[test]
    fn the_oldest_boots_are_forgotten_first() {
        let mut marks = Marks::default();
        for boot in 1..=5000 {
            marks.note(Stamp { boot, tick: 2 }, clock(2));
        }
        assert!(!marks.cover(Stamp { boot: 904, tick: 1 }, clock(1)));
        assert!(marks.cover(Stamp { boot: 905, tick: 1 }, clock(1)));
        assert_eq!(Marks::parse(marks.text().as_bytes()), Some(marks));
    }
}
