//! The journal segment in the repository, decoded by the page and by nothing of ours.
//!
//! To write it anew after a change of format (with a new version):
//! `VRIFT_WRITE_GOLDEN=1 cargo test -p vrift-manifest --test format journal`.

use std::path::Path;

use vrift_cas::Digest;
use vrift_manifest::journal::append::{Appender, Need, SEGMENT_BOUND};
use vrift_manifest::journal::replay::{Records, Tail};
use vrift_manifest::journal::segment::{self, HEADER};
use vrift_manifest::journal::{Operation, Position, Reason, Record, SegmentId};
use vrift_manifest::time::Timestamp;

use crate::page::{Fields, chapter, part, tables};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/journal-1.bin");
const ID: SegmentId = SegmentId(*b"\x00\x01\x02\x03golden\xff\xfe\xfd\xfc\xfb\xfa");
/// Not 1: the history before it is in other segments.
const FIRST: u64 = 0x1_0000_00fa;
/// Zeros behind the last record, as every segment has them.
const ROOM: usize = 80;

/// Every operation, and every form that a number can have.
fn operations() -> Vec<Operation<'static>> {
    let time = |sec, nsec| Timestamp { sec, nsec };
    // The second name is as long as a name can be; both are no UTF-8.
    let (name, long) = (&b"a\n\xff"[..], &[0x80; 255][..]);
    vec![
        Operation::Process {
            parent: 0,
            pid: 4_194_304,
            program: b"/usr/bin/cc",
            arguments: b"cc\0-c\0a b.c\0",
            directory: b"/home/me",
        },
        Operation::Process { parent: 250, pid: 1, program: b"", arguments: b"", directory: b"" },
        Operation::Create {
            parent: 1,
            name,
            node: 251,
            mode: 0o040755,
            uid: 0,
            gid: 250,
            rdev: 0,
            target: b"",
        },
        Operation::Create {
            parent: 251,
            name: long,
            node: 252,
            mode: 0o120777,
            uid: 251,
            gid: 65_535,
            rdev: 0,
            target: b"../else/where",
        },
        Operation::Create {
            parent: 1,
            name: b"null",
            node: 253,
            mode: 0o020666,
            uid: 65_536,
            gid: u32::MAX,
            rdev: 0x0103,
            target: b"",
        },
        Operation::SetContent {
            node: 255,
            digest: *Digest::EMPTY.as_bytes(),
            size: 1 << 33,
            mtime: None,
        },
        Operation::SetContent {
            node: 65_535,
            digest: [0xab; 32],
            size: 0,
            mtime: Some(time(1, 999_999_999)),
        },
        Operation::SetMode { node: 65_536, mode: 0o7777 },
        Operation::SetOwner { node: u32::MAX.into(), uid: 1000, gid: 100, mode: 0o644 },
        Operation::SetTimes { node: 1 << 32, atime: None, mtime: None },
        Operation::SetTimes {
            node: u64::MAX,
            atime: Some(time(-1, 250)),
            mtime: Some(time(-2, 251)),
        },
        Operation::SetTimes {
            node: 2,
            atime: Some(time(i64::MIN, 65_536)),
            mtime: Some(time(i64::MAX, 0)),
        },
        Operation::SetXattrs { node: 2, block: b"\x11\0\0\0\x01\0\0\0\x01\0\x02\0\0\0nvv" },
        Operation::SetXattrs { node: 2, block: b"" },
        Operation::Link { node: 2, parent: 1, name: b"b" },
        Operation::Unlink { parent: 1, name: b"b", node: 2 },
        Operation::RemoveDirectory { parent: 1, name, node: 251 },
        Operation::Rename {
            from_parent: 1,
            from: b"b",
            to_parent: 251,
            to: b"c",
            node: 2,
            replaced: 0,
        },
        Operation::Rename {
            from_parent: 251,
            from: b"c",
            to_parent: 1,
            to: b"null",
            node: 2,
            replaced: 253,
        },
        Operation::Exchange {
            one_parent: 1,
            one: name,
            other_parent: 251,
            other: long,
            one_node: 251,
            other_node: 252,
        },
        Operation::StoreSynced { through: FIRST + 18 },
        Operation::Rebased { image: [0x0f; 32], reason: Reason::Ingest, segment: [0xf0; 16] },
        Operation::Rebased { image: [1; 32], reason: Reason::Reset, segment: [2; 16] },
        Operation::Rebased { image: [3; 32], reason: Reason::Compact, segment: [4; 16] },
        Operation::DraftOpened { node: 2, draft: 1_700_000_000_123_456_789, owner: u64::MAX },
        Operation::Sealed {
            node: 2,
            draft: 1_700_000_000_123_456_789,
            digest: [0xcd; 32],
            size: 65_536,
            mtime: time(-3, 65_535),
            kept: false,
        },
        Operation::Sealed {
            node: 1 << 40,
            draft: 1,
            digest: [0; 32],
            size: 0,
            mtime: time(1 << 33, 0),
            kept: true,
        },
        Operation::DraftSynced { node: 2, draft: 1_700_000_000_123_456_789, owner: 1 },
    ]
}

fn records() -> Vec<Record<'static>> {
    let time = |place: usize| Timestamp {
        sec: 1_700_000_000 + place as i64,
        nsec: [0, 250, 251, 65_535, 65_536, 999_999_999][place % 6],
    };
    let process = |place: usize| if place < 2 { 0 } else { FIRST + place as u64 % 2 };
    let with_number = operations().into_iter().enumerate();
    with_number
        .map(|(place, operation)| Record { time: time(place), process: process(place), operation })
        .collect()
}

/// The segment as our writer makes it, through a mapping of a file.
fn written() -> Vec<u8> {
    let temporary = tempfile::tempdir().expect("a directory");
    let path = temporary.path().join("segment");
    std::fs::write(&path, segment::header(ID, FIRST)).expect("written");
    let appender = Appender::open(&path, ID, SEGMENT_BOUND).expect("mapped");
    let mut position = Position { records: 0, eighths: (HEADER / 8) as u32 };
    let mut buffer = [0; 1024];
    for (seq, record) in (FIRST..).zip(records()) {
        let payload = record.encode(&mut buffer).map(|length| &buffer[..length]).expect("room");
        appender.reserve(position, payload.len(), Need::Ordinary).expect("room");
        position = appender.write(position, seq, payload).expect("room");
    }
    let mut bytes = std::fs::read(&path).expect("readable");
    let used = position.offset() as usize;
    assert!(bytes[used..].iter().all(|&byte| byte == 0));
    bytes.truncate(used + ROOM);
    bytes
}

fn writing() -> bool {
    std::env::var_os("VRIFT_WRITE_GOLDEN").is_some()
}

fn golden() -> Vec<u8> {
    if writing() {
        std::fs::write(GOLDEN, written()).expect("written");
    }
    std::fs::read(GOLDEN).expect("the golden segment")
}

/// Reads a payload by the names of types that the page uses.
struct Payload<'a>(&'a [u8]);

impl<'a> Payload<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn unsigned(&mut self) -> u64 {
        let following = match self.take(1)[0] {
            small @ ..=250 => return small.into(),
            251 => 2,
            252 => 4,
            253 => 8,
            other => panic!("{other} begins no number"),
        };
        let bytes = self.take(following);
        let number = bytes.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte));
        let shorter = [(2, 250), (4, 0xffff), (8, 0xffff_ffff)];
        assert!(shorter.iter().all(|&(size, most)| size != following || number > most));
        number
    }

    fn signed(&mut self) -> i64 {
        let number = self.unsigned();
        let half = (number / 2) as i64;
        if number.is_multiple_of(2) { half } else { -1 - half }
    }

    /// The value of a type, as text.
    fn value(&mut self, kind: &str) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        match kind {
            "u32" => u32::try_from(self.unsigned()).expect("a u32").to_string(),
            "u64" => self.unsigned().to_string(),
            "bytes" => {
                let length = self.unsigned() as usize;
                format!("\"{}\"", self.take(length).escape_ascii())
            }
            "digest" => hex(self.take(32)),
            "id" => hex(self.take(16)),
            "time" => format!("{}.{:09}", self.signed(), self.unsigned()),
            "time?" => match self.take(1)[0] {
                0 => "none".to_owned(),
                1 => self.value("time"),
                other => panic!("{other} is neither none nor some"),
            },
            "bool" => ["no", "yes"][usize::from(self.take(1)[0])].to_owned(),
            "reason" => ["ingest", "reset", "compact"][self.unsigned() as usize].to_owned(),
            other => panic!("the page has no type {other}"),
        }
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    let digest = Digest::of(bytes);
    u64::from_le_bytes(*digest.as_bytes().first_chunk().expect("32 bytes"))
}

/// One line for the header and each record, telling everything.
fn decode(segment: &[u8]) -> Vec<String> {
    let journal = chapter("Journal");
    let fields = Fields::of_bytes(journal);
    let number = |of: &[u8], field: &str| fields.number(of, field);
    let sum_at = fields.at("segment_checksum");
    assert_eq!(fields.bytes(segment, "segment_magic"), b"VRIFTJNL");
    assert_eq!(number(segment, "segment_version"), 1);
    assert_eq!(number(segment, "segment_checksum"), checksum(&segment[..sum_at]));
    for zero in ["segment_zero", "segment_reserved"] {
        assert!(fields.bytes(segment, zero).iter().all(|&byte| byte == 0), "{zero}");
    }
    let id = fields.bytes(segment, "segment_id");
    let mut lines = vec![format!("segment {} from {}", Payload(id).value("id"), {
        number(segment, "first_seq")
    })];
    let operations = tables(journal, &["number", "operation", "fields"]).remove(0);
    let mut next = number(segment, "first_seq");
    let mut rest = &segment[sum_at + 8..];
    while number(rest, "payload_len") != 0 {
        assert_eq!(number(rest, "payload_zero"), 0);
        let length = number(rest, "payload_len") as usize;
        let payload = &rest[fields.at("payload")..][..length];
        let mut summed = id.to_vec();
        assert_eq!(fields.at("sum_payload_len"), summed.len());
        summed.extend((length as u64).to_le_bytes());
        assert_eq!(fields.at("sum_seq"), summed.len());
        summed.extend(number(rest, "seq").to_le_bytes());
        assert_eq!(fields.at("sum_payload"), summed.len());
        summed.extend(payload);
        assert_eq!(number(rest, "record_checksum"), checksum(&summed));
        assert_eq!(number(rest, "seq"), next);
        next += 1;

        let mut values = Payload(payload);
        let mut line = String::new();
        for row in &tables(journal, &["field", "type", "meaning"])[0] {
            match row[0].as_str() {
                "number" => {
                    let operation = &operations[values.unsigned() as usize];
                    line += &format!(" {}", operation[1]);
                    for field in operation[2].split(", ") {
                        let (name, kind) = field.split_once(' ').expect("a name and a type");
                        line += &format!(" {name}={}", values.value(kind));
                    }
                }
                "..." => {}
                name => line += &format!(" {name}={}", values.value(&row[1])),
            }
        }
        assert!(values.0.is_empty(), "bytes are left behind {line}");
        lines.push(format!("{}{line}", next - 1));
        let whole = fields.at("payload") + length.next_multiple_of(8);
        assert!(rest[fields.at("payload") + length..whole].iter().all(|&byte| byte == 0));
        rest = &rest[whole..];
    }
    assert!(rest.iter().all(|&byte| byte == 0));
    lines
}

#[test]
fn our_writer_writes_the_golden_segment_byte_for_byte() {
    assert_eq!(written(), golden());
}

#[test]
fn our_reader_reads_the_golden_segment() {
    let golden = golden();
    let mut found = Records::of(&golden, ID).expect("a header");
    let placed: Vec<_> = found.by_ref().collect();
    assert!(placed.iter().map(|placed| placed.seq).eq(FIRST..FIRST + placed.len() as u64));
    assert!(placed.into_iter().map(|placed| placed.record).eq(records()));
    assert_eq!(found.offset(), golden.len() - ROOM);
    assert_eq!(found.tail(true), Tail::Clean);
}

#[test]
fn the_page_decodes_the_golden_segment() {
    let decoded = decode(&golden()).join("\n") + "\n";
    let text = Path::new(GOLDEN).with_extension("txt");
    if writing() {
        std::fs::write(&text, &decoded).expect("written");
    }
    assert_eq!(decoded, std::fs::read_to_string(text).expect("the golden text"));
}

#[test]
fn the_golden_segment_has_every_operation_of_the_page() {
    let text = decode(&golden()).join("\n");
    for row in &tables(chapter("Journal"), &["number", "operation", "fields"])[0] {
        assert!(text.contains(&format!(" {} ", row[1])), "{}", row[1]);
    }
}

#[test]
fn the_page_numbers_the_operations_as_the_program_does() {
    let mut next = 0;
    for row in &tables(chapter("Journal"), &["number", "operation", "fields"])[0] {
        assert_eq!(row[0], next.to_string());
        next += 1;
        // The operation's own name in our source, and the first byte behind time and process.
        let ours = operations()
            .into_iter()
            .find(|operation| format!("{operation:?}").split_once(' ').unwrap().0 == row[1])
            .unwrap_or_else(|| panic!("the program has no {}", row[1]));
        let record = Record { time: Timestamp::default(), process: 0, operation: ours };
        let mut buffer = [0; 1024];
        record.encode(&mut buffer).expect("room");
        assert_eq!(buffer[..4], [0, 0, 0, row[0].parse().unwrap()], "{}", row[1]);
    }
    // One more is no operation.
    assert_eq!(Record::decode(&[0, 0, 0, next, 0, 0, 0, 0]), None);
}

#[test]
fn the_page_leaves_no_byte_of_header_and_frame_out() {
    let fields = Fields::of_bytes(part(chapter("Journal"), "Segment header"));
    assert_eq!(fields.at("segment_checksum") + 8, HEADER);
    let fields = Fields::of_bytes(part(chapter("Journal"), "Record frame"));
    assert_eq!(fields.at("payload"), segment::RECORD_HEADER);
}
