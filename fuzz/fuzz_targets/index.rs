//! A live index of which words were changed, or any bytes in place of one, mapped read-only: reading it ends, whatever
//! it says. Ten bytes an edit: a place (u16), eight bytes, and how.
#![no_main]

use std::io::Write;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use vrift_fuzz::changes::change;
use vrift_fuzz::input::Input;
use vrift_fuzz::trees::{MADE, over_small_image, with_index};
use vrift_manifest::hash::name_hash;
use vrift_manifest::index::{Index, layout};
use vrift_manifest::journal::Record;
use vrift_manifest::tree::path::Scratch;
use vrift_manifest::tree::{Cursor, Tree};

/// The words of an index with a bit of everything.
fn sound() -> &'static [u64] {
    static WORDS: OnceLock<Vec<u64>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let tree = over_small_image();
        let mut seq = 0;
        for round in 0..4000u32 {
            let bytes: Vec<u8> = (0..40)
                .map(|at| (round.wrapping_mul(2_654_435_761).wrapping_add(at * 40_503) >> 7) as u8)
                .collect();
            let mut block = vec![];
            if let Ok(Some(operation)) = tree.check(&change(&mut Input(&bytes)), &mut block) {
                seq += 1;
                let record = Record { time: MADE, process: 0, operation };
                tree.apply(seq, &record).expect("checked");
            }
            if seq == 60 {
                break;
            }
        }
        assert!(seq > 30, "{seq} changes");
        let index = tree.index();
        let used = index.header(layout::H_USED) as usize;
        (0..used).map(|at| index.header(at)).collect()
    })
}

/// Reads everything that a cursor leads to, not for ever.
fn touch(tree: &Tree, at: Cursor) -> Vec<Cursor> {
    let _ = (tree.number(at), tree.attributes(at), tree.digest(at), tree.target(at));
    let _ = (tree.xattrs(at), tree.parent(at), tree.changed_by(at), tree.mode(at));
    let mut scratch = Scratch::default();
    for path in [&b"a/../b"[..], b"s/f", b"d/f/", b"c"] {
        let _ = tree.walk(at, path, b"/m", true, None, &mut scratch);
    }
    let Ok(children) = tree.children(at) else { return vec![] };
    let mut found = vec![];
    for child in children {
        let Ok((name, cursor)) = child else { break };
        let _ = tree.child(at, &name);
        let _ = tree.child_hashed(at, &name, name_hash(&name) ^ 1);
        found.push(cursor);
    }
    found
}

fuzz_target!(|bytes: &[u8]| {
    let mut words = sound().to_vec();
    let mut input = Input(bytes);
    if input.byte() == 255 {
        // Nothing but what the input says.
        words = input.0.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    } else {
        for edit in input.0.as_chunks::<11>().0 {
            let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % words.len();
            let word = u64::from_le_bytes(edit[2..10].try_into().expect("eight bytes"));
            match edit[10] % 6 {
                0 => words[at] = word,
                1 => words[at] ^= 1 << (word % 64),
                2 => words[at] = words[at].wrapping_add(word % 256),
                3 => words[at] = words[word as usize % words.len()],
                4 => words[at] = word % words.len() as u64,
                _ => words[at] = (word % words.len() as u64) << 8 | word >> 56 & 31,
            }
        }
    }
    static FILE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let directory = FILE.get_or_init(|| {
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        directory.expect("a temporary directory")
    });
    let path = directory.path().join("index");
    let mut file = std::fs::File::create(&path).expect("a file");
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    file.write_all(&bytes).expect("written");
    let tree = with_index(Index::open(&path).expect("mapped"));
    for node in tree.index().nodes() {
        let _ = (tree.index().state(node), tree.index().number(node));
    }
    let mut pending = vec![tree.root()];
    for number in 0..40 {
        pending.extend(tree.node(number).ok().flatten());
    }
    // What lies round can be walked round: so often and no more.
    for _ in 0..500 {
        let Some(at) = pending.pop() else { break };
        pending.extend(touch(&tree, at));
    }
});
