//! The image in the repository, decoded by the tables of `docs/format.md` and by nothing of ours.
//!
//! The decoder below takes every offset from the page, so the page is true or this fails. To write the image anew after
//! a change of format (with a new version): `VRIFT_WRITE_GOLDEN=1 cargo test -p vrift-manifest --test image golden`.

use std::collections::BTreeMap;

use vrift_cas::Digest;
use vrift_manifest::image::{Image, verify};

use crate::tree::{Tree, attributes, time};

const FORMAT: &str = include_str!("../../../docs/format.md");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/image-1.bin");

/// A tree that has one of everything.
fn golden_tree() -> Tree {
    let mut tree = Tree::new();
    tree.directory(&[b"src"]);
    let main = tree.file(&[b"src", b"main.c"], b"int main(void) { return 0; }\n");
    tree.file(&[b"src", b"a name of exactly thirty-six bytes.c"], b"36");
    tree.file(&[b"src", b"a name of precisely thirty-seven byte"], b"37");
    tree.file(&[&[b'n'; 255]], b"");
    tree.file(&[b"not utf-8: \xff\n"], b"x");
    tree.link(&[b"main.c"], main);
    tree.link(&[b"src", b"another link to main.c, with a name too long for its record"], main);
    tree.symlink(&[b"link"], b"src/main.c");
    tree.directory(&[b"empty"]);
    tree.add(&[b"null"], attributes(0o020666), |node| node.attributes.rdev = 0x0103);
    tree.add(&[b"disk"], attributes(0o060660), |node| node.attributes.rdev = 0x0801);
    tree.add(&[b"pipe"], attributes(0o010600), |_| {});
    tree.add(&[b"socket"], attributes(0o140755), |node| {
        node.attributes.mtime = time(-1, 999_999_999);
        node.attributes.ctime = time(i64::MIN, 0);
        node.attributes.atime = time(i64::MAX, 7);
    });
    tree.add(&[b"setuid"], attributes(0o104755), |node| {
        node.digest = Digest::of(b"setuid");
        node.attributes.size = 6;
        node.xattrs = [
            (b"user.comment".to_vec(), b"a value".to_vec()),
            (b"user.a".to_vec(), vec![]),
            (b"security.capability".to_vec(), vec![0, 1, 2, 0xff]),
        ]
        .into();
    });
    // Numbers that were used and are gone.
    tree.next_node += 5;
    tree
}

fn writing() -> bool {
    std::env::var_os("VRIFT_WRITE_GOLDEN").is_some()
}

fn golden() -> Vec<u8> {
    if writing() {
        std::fs::create_dir_all(std::path::Path::new(GOLDEN).parent().unwrap()).unwrap();
        std::fs::write(GOLDEN, golden_tree().build()).unwrap();
    }
    std::fs::read(GOLDEN).unwrap()
}

/// A table of the page: rows of offset, size, field.
type Table = Vec<(usize, usize, String)>;

fn tables() -> Vec<Table> {
    let mut tables = vec![];
    let mut inside = false;
    for line in FORMAT.lines().take_while(|line| *line != "## Journal") {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let [_, "offset", "size", "field", ..] = cells[..] {
            tables.push(vec![]);
            inside = true;
        } else if !line.starts_with('|') {
            inside = false;
        } else if let (true, Ok(offset)) = (inside, cells[1].parse()) {
            let table: &mut Table = tables.last_mut().unwrap();
            table.push((offset, cells[2].parse().unwrap(), cells[3].to_owned()));
        }
    }
    tables
}

/// Reads fields by their names.
struct Page(BTreeMap<String, (usize, usize)>);

impl Page {
    fn read() -> Page {
        let fields = tables().into_iter().flatten().map(|(at, size, name)| (name, (at, size)));
        Page(fields.collect())
    }

    fn bytes<'a>(&self, of: &'a [u8], field: &str) -> &'a [u8] {
        let (at, size) = self.0[field];
        &of[at..at + size]
    }

    fn number(&self, of: &[u8], field: &str) -> u64 {
        let bytes = self.bytes(of, field);
        bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

const K0: u64 = 0x9e3779b97f4a7c15;
const K1: u64 = 0xe7037ed1a0b428db;

/// The hash of a name as the page says it, byte by byte.
fn hash(name: &[u8]) -> u64 {
    let n = name.len();
    let word = |at: usize, len: usize| {
        (0..len)
            .map(|i| name.get(at + i).map_or(0, |&byte| u64::from(byte) << (8 * i)))
            .sum::<u64>()
    };
    let mut s = K0 ^ n as u64;
    let (first, last) = match n {
        16.. => {
            for block in 0..(n - 1) / 16 {
                s = fold(word(16 * block, 8) ^ s, word(16 * block + 8, 8) ^ K1);
            }
            (word(n - 16, 8), word(n - 8, 8))
        }
        8..16 => (word(0, 8), word(n - 8, 8)),
        4..8 => (word(0, 4), word(n - 4, 4)),
        _ => (word(0, 2), word(2, 1)),
    };
    fold(first ^ s, last ^ K1)
}

/// One line per record, telling everything.
fn decode(image: &[u8]) -> Vec<String> {
    let page = Page::read();
    let header = &image[..256];
    let section = |name: &str| {
        let at = page.number(header, &format!("{name}_at")) as usize;
        &image[at..at + page.number(header, &format!("{name}_len")) as usize]
    };
    let pool = section("pool");
    let taken = |at: u64, len: u64| &pool[at as usize..(at + len) as usize];
    let records: Vec<&[u8]> = section("records").chunks(128).collect();
    let identities = section("identity").chunks(32);
    records
        .iter()
        .zip(identities)
        .enumerate()
        .map(|(index, (record, identity))| {
            let get = |field: &str| page.number(record, field);
            let len = get("name_len");
            let name = if len <= 36 {
                &page.bytes(record, "name")[..len as usize]
            } else {
                let name = taken(get("name_pool"), len);
                assert!(name.starts_with(page.bytes(record, "name_prefix")));
                name
            };
            let node = page.number(identity, "node");
            let mut line =
                format!("{index} in {} {} node {node}", get("parent"), name.escape_ascii());
            if get("flags") == 1 {
                return format!("{line} alias of {}", get("link"));
            }
            line += &format!(" {:o} {}:{} {}", get("mode"), get("uid"), get("gid"), get("size"));
            line += &format!(" nlink {}", get("nlink"));
            line += &format!(" mtime {}.{}", get("mtime_sec") as i64, get("mtime_nsec"));
            for time in ["ctime", "atime"] {
                let sec = page.number(identity, &format!("{time}_sec")) as i64;
                line +=
                    &format!(" {time} {sec}.{}", page.number(identity, &format!("{time}_nsec")));
            }
            match get("mode") & 0o170000 {
                0o040000 => line += &format!(" children {}+{}", get("link"), get("count")),
                0o100000 => {
                    let digest = page.bytes(record, "content").try_into().unwrap();
                    line += &format!(" {}", Digest::from_bytes(digest));
                }
                0o120000 => {
                    let target = taken(get("target_pool"), get("target_len"));
                    line += &format!(" -> {}", target.escape_ascii());
                }
                0o020000 | 0o060000 => line += &format!(" rdev {:x}", get("rdev")),
                _ => {}
            }
            if get("xattr") != 0 {
                let block = taken(get("xattr"), 8);
                let mut rest = &taken(get("xattr"), page.number(block, "block_len"))[8..];
                for _ in 0..page.number(block, "block_count") {
                    let name_len = page.number(rest, "xattr_name_len") as usize;
                    let value_len = page.number(rest, "xattr_value_len") as usize;
                    let (name, value) = rest[page.0["xattr_bytes"].0..].split_at(name_len);
                    let value = &value[..value_len];
                    line += &format!(" {}={}", name.escape_ascii(), value.escape_ascii());
                    rest = &rest[page.0["xattr_bytes"].0 + name_len + value_len..];
                }
                assert!(rest.is_empty());
            }
            line
        })
        .collect()
}

#[test]
fn the_builder_writes_the_golden_image_byte_for_byte() {
    assert_eq!(golden_tree().build(), golden());
}

#[test]
fn the_golden_image_is_sound_and_says_what_was_put_in() {
    let image = Image::open(golden()).unwrap();
    assert_eq!(verify(&image), Vec::<String>::new());
    golden_tree().check(&image);
}

#[test]
fn the_page_decodes_the_golden_image() {
    let decoded = decode(&golden()).join("\n") + "\n";
    let text = std::path::Path::new(GOLDEN).with_extension("txt");
    if writing() {
        std::fs::write(&text, &decoded).unwrap();
    }
    assert_eq!(decoded, std::fs::read_to_string(text).unwrap());
}

#[test]
fn the_page_leaves_no_byte_of_header_record_and_identity_out() {
    let whole = [256, 128, 32];
    let mut found = vec![];
    for table in tables() {
        let mut end = table[0].0;
        for (offset, size, field) in &table {
            assert_eq!(*offset, end, "{field}");
            end += size;
        }
        if whole.contains(&end) && table[0].0 == 0 {
            found.push(end);
        }
    }
    assert_eq!(found, whole);
}

#[test]
fn the_page_finds_every_name_and_every_number() {
    let (page, image) = (Page::read(), golden());
    let header = &image[..256];
    let get = |field: &str| page.number(header, field);
    let at = |name: &str| get(&format!("{name}_at")) as usize;
    let records: Vec<&[u8]> =
        image[at("records")..][..get("records_len") as usize].chunks(128).collect();
    let slots: Vec<&[u8]> = image[at("slots")..][..get("slots_len") as usize].chunks(8).collect();
    let numbers: Vec<&[u8]> =
        image[at("numbers")..][..get("numbers_len") as usize].chunks(4).collect();
    assert_eq!(numbers.len(), (2 * records.len()).next_power_of_two());
    for (index, record) in records.iter().enumerate().skip(1) {
        let len = page.number(record, "name_len") as usize;
        let name = if len <= 36 {
            &page.bytes(record, "name")[..len]
        } else {
            &image[at("pool") + page.number(record, "name_pool") as usize..][..len]
        };
        let directory = records[page.number(record, "parent") as usize];
        let (link, count) = (page.number(directory, "link"), page.number(directory, "count"));
        let table = &slots[2 * link as usize..2 * (link + count) as usize];
        let h = hash(name);
        let mut place = (((h % (1 << 32)) * count) >> 31) as usize;
        while page.number(table[place], "slot_index") != index as u64 {
            assert_ne!(page.number(table[place], "slot_index"), 0);
            place = (place + 1) % table.len();
        }
        assert_eq!(page.number(table[place], "slot_tag"), h >> 32);
    }
    for (index, record) in records.iter().enumerate() {
        let node = page.number(&image[at("identity") + 32 * index..], "node");
        let mut place = fold(node ^ K1, K0) as usize % numbers.len();
        let mut primary = index as u64;
        if page.number(record, "flags") == 1 {
            primary = page.number(record, "link");
        }
        while page.number(numbers[place], "number_index") != primary + 1 {
            assert_ne!(page.number(numbers[place], "number_index"), 0);
            place = (place + 1) % numbers.len();
        }
    }
}

#[test]
fn the_digests_and_the_checksum_are_as_the_page_says() {
    let (page, image) = (Page::read(), golden());
    let header = &image[..256];
    let digest = |names: &[&str]| {
        let mut all = vec![];
        for name in names {
            let at = page.number(header, &format!("{name}_at")) as usize;
            all.extend(&image[at..at + page.number(header, &format!("{name}_len")) as usize]);
        }
        Digest::of(&all)
    };
    assert_eq!(page.bytes(header, "tree_id"), digest(&["records", "pool", "slots"]).as_bytes());
    assert_eq!(page.bytes(header, "identity_id"), digest(&["identity", "numbers"]).as_bytes());
    let mut zeroed = header.to_vec();
    zeroed[248..].fill(0);
    assert_eq!(page.bytes(header, "checksum"), &Digest::of(&zeroed).as_bytes()[..8]);
    assert_eq!(page.bytes(header, "magic"), b"VRIFTIMG");
    assert_eq!(page.number(header, "version"), 1);
}

#[test]
fn our_hash_is_the_one_of_the_page_for_every_length() {
    let bytes: Vec<u8> = (0..=255).map(|at: u8| at.wrapping_mul(167) ^ 0x5a).collect();
    for len in 0..=255 {
        assert_eq!(vrift_manifest::hash::name_hash(&bytes[..len]), hash(&bytes[..len]), "{len}");
    }
}
