//! A live index, read by the page: every word of it that the page gives a meaning.

use std::collections::BTreeMap;

use vrift_cas::Digest;
use vrift_manifest::attributes::Attributes;
use vrift_manifest::index::layout;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::{Change, ROOT, RenameMode};
use vrift_manifest::workspace::Workspace;

use crate::page::{Fields, K0, K1, chapter, fold, name_hash};
use crate::support::{Fixture, create};

struct LiveIndex {
    words: Vec<u64>,
    fields: Fields,
}

/// An entry record.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    node: Option<u64>,
    in_image: bool,
}

impl LiveIndex {
    fn read(fixture: &Fixture) -> LiveIndex {
        let [path] = &fixture.indexes()[..] else { panic!("one index is in force") };
        let bytes = std::fs::read(path).expect("readable");
        let (words, _) = bytes.as_chunks::<8>();
        LiveIndex {
            words: words.iter().map(|word| u64::from_ne_bytes(*word)).collect(),
            fields: Fields::of_words(chapter("Live index")),
        }
    }

    fn get(&self, place: u64, field: &str) -> u64 {
        self.words[place as usize + self.fields.at(field)]
    }

    fn bytes(&self, place: u64, length: u64) -> Vec<u8> {
        let words = &self.words[place as usize..][..length.div_ceil(8) as usize];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes[..length as usize].to_vec()
    }

    /// The places that a table leads to, each checked to be where its hash says.
    fn table(&self, table: &str, count: &str, hash: impl Fn(u64) -> u64) -> Vec<u64> {
        let word = self.get(0, table);
        let (start, slots) = ((word / 256) as usize, 1 << (word % 256));
        let table = &self.words[start..start + slots];
        let mut places = vec![];
        for (at, slot) in table.iter().enumerate().filter(|(_, slot)| **slot != 0) {
            let place = slot % (1 << 32);
            let hash = hash(place);
            assert_eq!(slot >> 32, hash >> 32, "the tag");
            let mut from = (hash % slots as u64) as usize;
            while from != at {
                assert_ne!(table[from], 0, "an empty slot before the record");
                from = (from + 1) % slots;
            }
            places.push(place);
        }
        assert_eq!(places.len() as u64, self.get(0, count));
        assert!(places.len() * 2 <= slots);
        places
    }

    /// Node records by their numbers.
    fn nodes(&self) -> BTreeMap<u64, u64> {
        let hash = |place: u64| match self.get(place, "image_index") {
            4_294_967_295 => fold(self.get(place, "number") ^ K1, K0),
            index => fold((index + (1 << 63)) ^ K1, K0),
        };
        let places = self.table("node_table", "node_count", hash);
        places.into_iter().map(|place| (self.get(place, "number"), place)).collect()
    }

    /// Entry records by directory and name.
    fn entries(&self) -> BTreeMap<(u64, Vec<u8>), Entry> {
        let name = |place: u64| {
            let length = self.get(place, "entry_name_len") % 65_536;
            self.bytes(place + self.fields.at("entry_name") as u64, length)
        };
        let hash = |place: u64| {
            assert_eq!(self.get(place, "entry_hash"), name_hash(&name(place)));
            name_hash(&name(place)) ^ self.get(place, "entry_parent").wrapping_mul(K0)
        };
        let number = |node: u64| (node != 0).then(|| self.get(node, "number"));
        let mut found = BTreeMap::new();
        for place in self.table("entry_table", "entry_count", hash) {
            let parent = self.get(place, "entry_parent");
            let in_image = match self.get(place, "entry_name_len") >> 16 {
                flag @ (0 | 1) => flag == 1,
                other => panic!("unknown flags {other}"),
            };
            let entry = Entry { node: number(self.get(place, "entry_node")), in_image };
            found.insert((self.get(parent, "number"), name(place)), entry);
        }
        // The lists have the same entries, newest first.
        let mut listed = 0;
        for &node in self.nodes().values() {
            let mut at = self.get(node, "children");
            while at != 0 && at != u64::MAX << 32 {
                assert_eq!(self.get(at, "entry_parent"), node);
                let next = self.get(at, "entry_next");
                assert!(next < at || next == u64::MAX << 32, "an older entry lies before");
                (at, listed) = (next, listed + 1);
            }
        }
        assert_eq!(listed, found.len());
        found
    }

    /// The words of a node's state that is in force.
    fn state(&self, node: u64) -> u64 {
        let copy = ["copy_0", "copy_1"][(self.get(node, "version") % 2) as usize];
        node + self.fields.at(copy) as u64
    }

    fn attributes(&self, state: u64) -> Attributes {
        let get = |field: &str| self.get(state, field);
        let (low, high) =
            (|field: &str| get(field) as u32, |field: &str| (get(field) >> 32) as u32);
        let time = |field: &str, nsec| Timestamp { sec: get(field) as i64, nsec };
        Attributes {
            mode: low("mode_nlink"),
            nlink: high("mode_nlink"),
            uid: low("uid_gid"),
            gid: high("uid_gid"),
            size: get("size"),
            mtime: time("mtime_sec", low("mtime_ctime_nsec")),
            ctime: time("ctime_sec", high("mtime_ctime_nsec")),
            atime: time("atime_sec", low("atime_nsec")),
            rdev: get("rdev"),
        }
    }
}

fn change(workspace: &mut Workspace) {
    let mut change = |change: &Change<'_>| workspace.change(change).expect("a change").node;
    let directory = change(&create(ROOT, b"directory", 0o040755, b""));
    let long = &[b'x'; 255];
    let file = change(&create(directory, long, 0o100644, b""));
    let digest = Digest::of(b"content");
    change(&Change::SetContent { node: file, digest, size: 7, mtime: None });
    change(&create(directory, b"link", 0o120777, b"somewhere/else"));
    let early = Timestamp { sec: -2, nsec: 999_999_999 };
    change(&Change::SetTimes { node: 2, atime: Some(early), mtime: None });
    change(&Change::SetXattr { node: file, name: b"user.x", value: Some(b"value") });
    change(&Change::Unlink { parent: ROOT, name: b"old" });
    change(&Change::Rename {
        from_parent: ROOT,
        from: b"way",
        to_parent: directory,
        to: b"moved",
        mode: RenameMode::Replace,
    });
    change(&Change::Create {
        parent: ROOT,
        name: b"null",
        mode: 0o020666,
        uid: 0,
        gid: 1,
        rdev: 0x0103,
        target: b"",
    });
    // Enough for the tables to grow.
    for file in 0..200 {
        change(&create(directory, format!("file {file}").as_bytes(), 0o100600, b""));
    }
}

#[test]
fn a_live_index_says_what_the_page_says() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace();
    change(&mut workspace);
    let index = LiveIndex::read(&fixture);
    let tree = workspace.tree();
    let header = |field: &str| index.get(0, field);
    assert_eq!(header("index_magic").to_le_bytes(), *b"VRIFTIDX");
    assert_eq!(header("index_version"), 4);
    let id = workspace.config().expect("a description").id;
    assert_eq!(header("index_owner"), u64::from_str_radix(&id[..16], 16).expect("hex"));
    assert_eq!(header("index_size") as usize, index.words.len());
    assert_eq!(header("next_node"), tree.next_node());
    assert_eq!((header("applied") & 0xffff_ffff) * 8, workspace.journal_bytes());
    assert_eq!(header("applied") >> 32, workspace.head());
    assert!(index.words[header("used") as usize..].iter().all(|&word| word == 0));
    let again = index.fields.at("index_again");
    let size = index.fields.at("index_size");
    for at in (0..20).filter(|&at| at != size) {
        assert_eq!(index.words[again + at], index.words[at], "word {at}");
    }

    let nodes = index.nodes();
    assert!(nodes.len() > 200);
    for (&number, &node) in &nodes {
        let at = tree.node(number).expect("sound").expect("the tree has it too");
        let state = index.state(node);
        let get = |field: &str| index.get(state, field);
        let attributes = tree.attributes(at).expect("sound");
        assert_eq!(index.attributes(state), attributes, "node {number}");
        assert_eq!(get("changed_by"), tree.changed_by(at));
        let content: Vec<u8> = ["content_0", "content_1", "content_2", "content_3"]
            .iter()
            .flat_map(|field| get(field).to_le_bytes())
            .collect();
        match attributes.mode >> 12 {
            0o10 => {
                let digest = Digest::from_bytes(content.try_into().unwrap());
                assert_eq!(tree.digest(at), Ok(Some(digest)));
                assert_eq!(get("directory"), tree.draft(at).unwrap_or(0));
            }
            0o12 if get("content_0") >> 63 == 0 => {
                let target = index.bytes(get("content_0"), get("content_1"));
                assert_eq!(tree.target(at), Ok(Some(target)));
            }
            // That of the image, by its record.
            0o12 => assert_eq!(get("content_0") & 0xffff_ffff, index.get(node, "image_index")),
            0o04 if number != ROOT => assert_eq!(get("directory"), ROOT),
            _ => assert!(content.iter().all(|&byte| byte == 0)),
        }
        match get("xattrs") {
            0 => assert_eq!(tree.xattr_block(at), Ok(vec![])),
            place => {
                let length = index.words[place as usize] & 0xffff_ffff;
                assert_eq!(tree.xattr_block(at), Ok(index.bytes(place, length)));
            }
        }
    }

    let entries = index.entries();
    let entry = |node, in_image| Some(Entry { node, in_image });
    let get = |directory: u64, name: &[u8]| {
        entries.get(&(directory, name.to_vec())).map(|entry| Entry { ..*entry })
    };
    assert_eq!(get(ROOT, b"old"), entry(None, true));
    assert_eq!(get(ROOT, b"way"), entry(None, true));
    assert_eq!(get(ROOT, b"directory"), entry(Some(4), false));
    assert_eq!(get(4, b"moved"), entry(Some(3), false));
    assert_eq!(entries.len(), 207);
}

#[test]
fn the_places_of_the_page_are_those_of_the_program() {
    use layout::*;
    let fields = Fields::of_words(chapter("Live index"));
    let ours = [
        ("index_magic", H_MAGIC),
        ("index_version", H_VERSION),
        ("index_epoch", H_EPOCH),
        ("index_owner", H_OWNER),
        ("index_drafts_after", H_DRAFTS_AFTER),
        ("index_size", H_SIZE),
        ("index_image", H_IMAGE),
        ("index_again", H_AGAIN),
        ("used", H_USED),
        ("applied", H_APPLIED),
        ("generation", H_GENERATION),
        ("next_node", H_NEXT_NODE),
        ("floor", H_FLOOR),
        ("node_table", H_NODE_TABLE),
        ("node_count", H_NODES),
        ("entry_table", H_ENTRY_TABLE),
        ("entry_count", H_ENTRIES),
        ("number", N_NUMBER),
        ("image_index", N_IMAGE),
        ("children", N_CHILDREN),
        ("version", N_VERSION),
        ("copy_0", N_COPIES),
        ("copy_1", N_COPIES + COPY),
        ("entry_parent", E_PARENT),
        ("entry_node", E_NODE),
        ("entry_next", E_NEXT),
        ("entry_name_len", E_NAME_LEN),
        ("entry_hash", E_HASH),
        ("entry_name", E_NAME),
    ];
    for (field, place) in ours {
        assert_eq!(fields.at(field), place, "{field}");
    }
    // The rest are the words of a state.
    assert_eq!(fields.0.len(), ours.len() + COPY);
}
