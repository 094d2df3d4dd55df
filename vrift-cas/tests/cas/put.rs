use std::io::Read;

use vrift_cas::{Digest, Store, Verdict};

#[test]
fn what_was_put_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create_or_open(dir.path().join("s")).unwrap();
    let put = store.put_bytes(b"hello").unwrap();
    assert!(put.new);
    assert!(!store.put_bytes(b"hello").unwrap().new);
    let mut text = String::new();
    store.open_blob(&put.digest).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    assert_eq!(store.verify(&put.digest).unwrap(), Verdict::Sound { size: 5 });
    assert_eq!(store.size_of(&Digest::EMPTY).unwrap(), Some(0));
    store.sync().unwrap();
}
