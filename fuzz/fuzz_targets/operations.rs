//! Random changes on a tree and on the model: the same errors and the same state; each record read back from its bytes,
//! applied twice, and all of them once more from the beginning.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vrift_fuzz::changes::change;
use vrift_fuzz::input::Input;
use vrift_fuzz::seen::seen;
use vrift_fuzz::trees::{over_small_image, small_model};
use vrift_manifest::journal::Record;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::ChangeError;

fuzz_target!(|bytes: &[u8]| {
    let (tree, mut model) = (over_small_image(), small_model());
    let mut input = Input(bytes);
    let mut journal: Vec<Vec<u8>> = vec![];
    while !input.is_empty() && journal.len() < 200 {
        let change = change(&mut input);
        let errors = model.errors(&change);
        let mut block = vec![];
        let operation = match tree.check(&change, &mut block) {
            Err(ChangeError::Errno(errno)) => {
                assert!(errors.contains(&errno), "{change:?}: {errno:?} is none of {errors:?}");
                continue;
            }
            Err(other) => panic!("{change:?}: {other}"),
            Ok(operation) => operation,
        };
        assert!(errors.is_empty(), "{change:?} is {errors:?} for the model");
        assert_eq!(operation.is_none(), model.is_idle(&change), "{change:?}");
        let Some(operation) = operation else { continue };
        let seq = journal.len() as u64 + 1;
        let time = Timestamp { sec: 1_700_000_000 + seq as i64 / 3, nsec: 0 };
        let record = Record { time, process: 0, operation };
        let mut buffer = vec![0; 96 * 1024];
        let length = record.encode(&mut buffer).expect("every change fits into a record");
        let decoded = Record::decode(&buffer[..length]).expect("what is written can be read");
        assert_eq!(decoded, record);
        let new = tree.next_node();
        tree.replay(seq, &decoded).expect("what was checked fits");
        tree.apply(seq, &decoded).expect("and again");
        model.apply(&change, time, new);
        journal.push(buffer[..length].to_vec());
    }
    let expected = model.seen();
    assert_eq!(seen(&tree), expected);
    let again = over_small_image();
    for (seq, payload) in (1..).zip(&journal) {
        let record = Record::decode(payload).expect("it was read before");
        again.replay(seq, &record).expect("it fitted before");
    }
    assert_eq!(seen(&again), expected);
});
