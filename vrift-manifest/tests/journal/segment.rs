//! Segments to take apart.

use vrift_manifest::journal::replay::{Placed, Records};
use vrift_manifest::journal::segment::{HEADER, header, record_checksum, record_size};
use vrift_manifest::journal::{Operation, Record, SegmentId};
use vrift_manifest::time::Timestamp;

pub const ID: SegmentId = SegmentId([0x5a; 16]);
pub const FIRST: u64 = 1001;

/// Which journal: each seed gives another one.
pub fn seed() -> u64 {
    std::env::var("VRIFT_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Tells `scripts/survive` how much was tried.
pub fn tally(tried: usize) {
    println!("\ntally\tjournal\t{tried}\t0\t{0}-{0}", seed());
}

/// The same of what is tried in the same way with every seed: it counts with the first one.
pub fn tally_once(tried: usize) {
    if seed() == 0 {
        tally(tried);
    }
}

/// The numbers below a hundred in an order of each seed's own: what they are multiplied by has no factor in common with 100.
fn order(seed: u64) -> impl Iterator<Item = u64> {
    let factor = [1, 3, 7, 9][seed as usize % 4] + 10 * (seed / 4 % 10);
    (0..100).map(move |place| (place * factor + seed) % 100)
}

/// A segment in memory.
#[derive(Clone)]
pub struct Segment {
    pub bytes: Vec<u8>,
    /// Where each record begins, and where the last one ends.
    pub ends: Vec<usize>,
}

impl Segment {
    pub fn new() -> Segment {
        Segment { bytes: header(ID, FIRST).to_vec(), ends: vec![HEADER] }
    }

    /// About a hundred records of all lengths up to some dozen words.
    pub fn filled(synced: Option<u64>) -> Segment {
        let mut segment = Segment::new();
        let seed = seed();
        let name: Vec<u8> = (0..200).map(|byte| b'a' + (byte + seed % 26) as u8 % 26).collect();
        // In another order, and so with other lengths beside each other.
        for (place, number) in (0..).zip(order(seed)) {
            let node = 2 + number + seed;
            segment.push(match number % 5 {
                _ if synced == Some(place) => Operation::StoreSynced { through: FIRST + place - 1 },
                0 => create(node, &name[..1 + number as usize]),
                1 => Operation::SetMode { node, mode: 0o644 },
                2 => Operation::SetContent {
                    node,
                    digest: [7 ^ seed as u8; 32],
                    size: number,
                    mtime: None,
                },
                3 => Operation::Unlink { parent: 1, name: &name[..1 + number as usize * 2], node },
                _ => Operation::SetTimes { node, atime: None, mtime: Some(time(number)) },
            });
        }
        segment
    }

    pub fn push(&mut self, operation: Operation<'_>) {
        let number = self.ends.len() as u64 - 1;
        let record = Record { time: time(number), process: 0, operation };
        let mut buffer = vec![0; 128 << 10];
        let length = record.encode(&mut buffer).expect("room");
        self.push_payload(FIRST + number, &buffer[..length]);
    }

    /// Any payload under any number, with the right checksum.
    pub fn push_payload(&mut self, seq: u64, payload: &[u8]) {
        self.bytes.extend((payload.len() as u64).to_le_bytes());
        self.bytes.extend(seq.to_le_bytes());
        self.bytes.extend(record_checksum(ID, seq, payload).to_le_bytes());
        self.bytes.extend(payload);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        assert_eq!(self.bytes.len(), self.end() + record_size(payload.len()));
        self.ends.push(self.bytes.len());
    }

    pub fn end(&self) -> usize {
        *self.ends.last().expect("the header's end")
    }

    /// With zeros behind it.
    pub fn with_room(mut self) -> Segment {
        self.bytes.resize(self.bytes.len() + 256, 0);
        self
    }

    pub fn records(&self) -> Vec<Placed<'_>> {
        read(&self.bytes).collect()
    }
}

pub fn read(bytes: &[u8]) -> Records<'_> {
    Records::of(bytes, ID).expect("a header")
}

pub fn time(number: u64) -> Timestamp {
    Timestamp { sec: 1_700_000_000 + number as i64, nsec: number as u32 * 1_000 }
}

pub fn create(node: u64, name: &[u8]) -> Operation<'_> {
    Operation::Create {
        parent: 1,
        name,
        node,
        mode: 0o100644,
        uid: 1000,
        gid: 100,
        rdev: 0,
        target: b"",
    }
}

#[test]
fn every_seed_has_all_lengths_and_an_order_of_its_own() {
    let all: Vec<u64> = (0..100).collect();
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let mut numbers: Vec<u64> = order(seed).collect();
        orders.insert(numbers.clone());
        numbers.sort_unstable();
        assert_eq!(numbers, all, "seed {seed}");
    }
    assert_eq!(orders.len(), 200);
}

#[test]
fn what_is_written_is_read_with_its_numbers_and_places() {
    let segment = Segment::filled(Some(50)).with_room();
    let records = segment.records();
    assert_eq!(records.len(), 100);
    for (place, record) in records.iter().enumerate() {
        assert_eq!(record.seq, FIRST + place as u64);
        assert_eq!(record.end, segment.ends[place + 1]);
    }
}
