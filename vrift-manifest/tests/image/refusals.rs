//! What the builder and `open` refuse, and what they say.

use vrift_cas::Digest;
use vrift_manifest::attributes::Content;
use vrift_manifest::image::{BuildError, Builder, Image, NodeSpec, OpenError, VERSION};

use crate::tree::{Tree, attributes};

fn directory(node: u64) -> NodeSpec<'static> {
    NodeSpec { node, attributes: attributes(0o040755), content: Content::None, xattrs: &[] }
}

fn file(node: u64) -> NodeSpec<'static> {
    let content = Content::Blob(Digest::EMPTY);
    NodeSpec { node, attributes: attributes(0o100644), content, xattrs: &[] }
}

fn said(result: Result<impl Sized, BuildError>) -> String {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.to_string(),
    }
}

fn finish(builder: Builder, next: u64) -> Result<(), BuildError> {
    builder.finish(next, &mut std::io::sink()).map(|_| ())
}

#[test]
fn names_that_cannot_be_are_refused() {
    let mut builder = Builder::new(directory(1)).unwrap();
    let root = builder.root();
    let a = builder.add(root, b"a", directory(2)).unwrap();
    for name in [&b""[..], b".", b"..", b"x/y", b"nul\0", &[b'n'; 256]] {
        assert!(said(builder.add(a, name, file(3))).starts_with("'/a/"));
        assert!(said(builder.add_link(a, name, a)).ends_with("valid name"));
    }
    assert_eq!(said(builder.add(a, b"x\n/", file(3))), "'/a/x\\n/' does not end in a valid name");
    // A refusal leaves nothing behind.
    assert!(finish(builder, 3).is_ok());
}

#[test]
fn a_name_given_twice_is_refused_with_its_path() {
    let mut builder = Builder::new(directory(1)).unwrap();
    let a = builder.add(builder.root(), b"a", directory(2)).unwrap();
    builder.add(a, b"same", file(3)).unwrap();
    builder.add(a, b"other", file(4)).unwrap();
    builder.add(a, b"same", file(5)).unwrap();
    assert_eq!(said(finish(builder, 6)), "'/a/same' was added twice");
}

#[test]
fn only_directories_hold_names_and_only_others_have_several() {
    let mut builder = Builder::new(directory(1)).unwrap();
    let root = builder.root();
    let a = builder.add(root, b"a", directory(2)).unwrap();
    let f = builder.add(a, b"f", file(3)).unwrap();
    assert_eq!(
        said(builder.add(f, b"x", file(4))),
        "'/a/f' is not a directory, so nothing can be in it"
    );
    assert_eq!(said(builder.add_link(root, b"b", a)), "'/b' would be a second name of a directory");
    assert!(Builder::new(file(1)).is_err());
    let other = Builder::new(directory(1)).unwrap();
    let mut other_root_only = other;
    assert!(matches!(other_root_only.add(f, b"x", file(2)), Err(BuildError::UnknownHandle)));
}

#[test]
fn node_numbers_are_not_zero_not_twice_and_below_the_next() {
    assert!(Builder::new(directory(0)).is_err());
    let build = |numbers: [u64; 2], next| {
        let mut builder = Builder::new(directory(1)).unwrap();
        let root = builder.root();
        builder.add(root, b"a", file(numbers[0])).unwrap();
        builder.add(root, b"b", file(numbers[1])).unwrap();
        finish(builder, next)
    };
    assert!(build([2, 3], 4).is_ok());
    assert_eq!(said(build([2, 2], 4)), "two nodes have the number 2");
    assert_eq!(said(build([2, 1], 4)), "two nodes have the number 1");
    assert_eq!(said(build([2, 9], 9)), "node number 9 is not between 1 and the next number");
}

#[test]
fn values_that_do_not_belong_together_are_refused() {
    let mut builder = Builder::new(directory(1)).unwrap();
    let root = builder.root();
    let mut refuse = |spec: NodeSpec<'_>| said(builder.add(root, b"x", spec));
    let symlink = |target| NodeSpec {
        attributes: attributes(0o120777),
        content: Content::Target(target),
        ..file(2)
    };
    refuse(NodeSpec { content: Content::None, ..file(2) });
    refuse(NodeSpec { content: Content::Blob(Digest::EMPTY), ..directory(2) });
    refuse(NodeSpec { attributes: attributes(0o644), ..file(2) });
    refuse(NodeSpec { attributes: attributes(0o1100644), ..file(2) });
    refuse(symlink(b""));
    refuse(symlink(b"nul\0"));
    refuse(symlink(&[b'x'; 4096]));
    refuse(NodeSpec { xattrs: &[(b"", b"")], ..file(2) });
    refuse(NodeSpec { xattrs: &[(b"user.a", b"1"), (b"user.a", b"2")], ..file(2) });
    refuse(NodeSpec { xattrs: &[(&[b'n'; 256], b"")], ..file(2) });
    let mut late = file(2);
    late.attributes.mtime.nsec = 1_000_000_000;
    assert_eq!(refuse(late), "node 2: a time has too many nanoseconds");
    let mut huge = file(2);
    huge.attributes.size = 1 << 63;
    refuse(huge);
    assert!(finish(builder, 2).is_ok());
}

#[test]
fn an_output_that_fails_is_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let builder = Builder::new(directory(1)).unwrap();
    assert!(matches!(builder.finish(2, &mut Full), Err(BuildError::Write(_))));
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let mut bytes = Tree::new().build();
    bytes[8] = VERSION as u8 + 1;
    let newer = Image::open(&bytes).unwrap_err();
    assert_eq!(newer, OpenError::Newer { found: VERSION + 1, known: VERSION });
    assert!(newer.to_string().contains("format version 2"));
    bytes[0] = b'?';
    assert_eq!(Image::open(&bytes).unwrap_err(), OpenError::NotAnImage);
    assert_eq!(Image::open(b"").unwrap_err(), OpenError::NotAnImage);
}

#[test]
fn what_follows_an_image_is_refused() {
    let mut bytes = Tree::new().build();
    let expected = bytes.len() as u64;
    bytes.push(0);
    let longer = Image::open(&bytes).unwrap_err();
    assert_eq!(longer, OpenError::Length { expected, found: expected + 1 });
}
