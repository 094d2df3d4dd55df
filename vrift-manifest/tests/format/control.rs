//! A control page, read by the page.

use std::os::unix::fs::MetadataExt;

use vrift_manifest::tree::{Change, ROOT};

use crate::page::{Fields, chapter};
use crate::support::{Fixture, create};

#[test]
fn a_control_page_says_what_the_page_says() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace();
    for name in [&b"a"[..], b"b", b"c"] {
        workspace.change(&create(ROOT, name, 0o100644, b"")).expect("a file");
    }
    let synced = workspace.sync().expect("synced");
    workspace.change(&Change::SetMode { node: 2, mode: 0o600 }).expect("chmod");

    let fields = Fields::of_bytes(chapter("Control page"));
    let control = std::fs::read(fixture.control_path()).expect("readable");
    let number = |field: &str| fields.number(&control, field);
    assert_eq!(control.len(), fields.0.values().map(|(at, size)| at + size).max().unwrap());
    assert_eq!(fields.bytes(&control, "control_magic"), b"VRIFTCTL");
    assert_eq!(number("control_version"), 1);
    assert_eq!(number("lock"), 0);
    assert_eq!(number("epoch") % 2, 0);
    let page = std::fs::metadata(fixture.control_path()).expect("there");
    let index = format!(
        "index-{}-{:x}-{:x}.{}",
        workspace.config().expect("one").id,
        page.dev(),
        page.ino(),
        number("epoch")
    );
    let directory = fixture.home.runtime();
    assert_eq!(fixture.indexes(), [directory.join(index)]);
    let length = number("index_directory_len") as usize;
    let (said, rest) = fields.bytes(&control, "index_directory").split_at(length);
    assert_eq!(said, directory.as_os_str().as_encoded_bytes());
    assert!(rest.iter().all(|&byte| byte == 0));

    assert_eq!(number("committed") as u32 * 8, workspace.journal_bytes() as u32);
    assert_eq!(number("open_first"), 1);
    assert_eq!(number("open_first") + (number("committed") >> 32), workspace.head() + 1);
    // The record that says so was synced with what it vouches for, or will be believed only if it is there.
    assert!([synced, synced + 1].contains(&number("synced")));
    assert_eq!(number("drafts_after"), 0);
    assert_eq!(number("store_boot"), u64::from(workspace.store().boot()));
    assert_eq!(number("last_use") as i64, workspace.last_use());

    let config = workspace.config().expect("a description");
    let open = config.era[0].segment[0].id.to_string();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(fields.bytes(&control, "open_segment")), open);
    if let Ok(text) = std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        let digits = text.trim().replace('-', "");
        let boot = (0..16).map(|at| u8::from_str_radix(&digits[2 * at..][..2], 16).expect("hex"));
        let file = [page.ino().to_le_bytes(), page.dev().to_le_bytes()].concat();
        let machine: Vec<u8> = boot.zip(file).map(|(boot, file)| boot ^ file).collect();
        assert_eq!(fields.bytes(&control, "lock_machine"), &machine[..]);
        assert_eq!(fields.bytes(&control, "taken_machine"), &machine[..]);
    }
    for (field, (at, size)) in &fields.0 {
        if field.starts_with("control_zero") {
            assert!(control[*at..at + size].iter().all(|&byte| byte == 0), "{field}");
        }
    }
}
