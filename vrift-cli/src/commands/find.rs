//! `vrift find [PLACE]`.

use std::io::Write;

use globset::{GlobBuilder, GlobMatcher};
use vrift_manifest::attributes::Kind;

use crate::error::{Error, Result};
use crate::home;
use crate::located::{Located, relative};
use crate::node::{Node, join};
use crate::output::{Output, Row};
use crate::place::Place;

/// List everything below a directory that answers a description, as `find` does
///
/// All that is described must hold. `-name`, `-iname`, `-path`, `-type`, `-size`, `-maxdepth` and `-print0` may be
/// written as `find` has them, with one '-'.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "In a GLOB '*' and '?' stand for any letters, '[a-c]' for one of several and '{a,b}' for one of \
    two.\n\n\
    Examples:\n  vrift find lua -name '*.c'\n  vrift find lua@before:src -type d\n  \
    vrift find lua -type f -size +1M --json"
)]
pub struct Args {
    /// The directory
    place: Option<Place>,

    /// The name matches
    #[arg(long, value_name = "GLOB")]
    name: Option<String>,

    /// As --name, upper and lower case being the same
    #[arg(long, value_name = "GLOB")]
    iname: Option<String>,

    /// The path from the root of the tree matches; '*' stands for '/' too
    #[arg(long, value_name = "GLOB")]
    path: Option<String>,

    /// It is a file (f), directory (d), symlink (l), pipe (p), socket (s), block (b) or character device (c)
    #[arg(long = "type", value_name = "T", value_parser = ["f", "d", "l", "p", "s", "b", "c"])]
    kind: Option<String>,

    /// More (+N) or fewer (-N) bytes than N, or exactly N; k, M and G multiply by 1024
    #[arg(long, value_name = "N", value_parser = Size::parse, allow_hyphen_values = true)]
    size: Option<Size>,

    /// At most this many levels deep
    #[arg(long, value_name = "N")]
    maxdepth: Option<usize>,

    /// Paths from the root of the tree as they are, each ended by a zero byte
    #[arg(long, visible_alias = "null", conflicts_with = "json")]
    print0: bool,

    /// One JSON array
    #[arg(long)]
    json: bool,
}

/// The words that `find` writes with one `-`.
pub const WORDS: [&str; 7] = ["-name", "-iname", "-path", "-type", "-size", "-maxdepth", "-print0"];

/// A bound on sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    More(u64),
    Fewer(u64),
    Exactly(u64),
}

impl Size {
    fn parse(text: &str) -> Result<Size, String> {
        let (bound, number): (fn(u64) -> Size, _) = match text.as_bytes().first() {
            Some(b'+') => (Size::More, &text[1..]),
            Some(b'-') => (Size::Fewer, &text[1..]),
            _ => (Size::Exactly, text),
        };
        let unit = match number.as_bytes().last() {
            Some(b'k') => 1 << 10,
            Some(b'M') => 1 << 20,
            Some(b'G') => 1 << 30,
            _ => 1,
        };
        let digits = if unit == 1 { number } else { &number[..number.len() - 1] };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse::<u64>().ok().filter(|_| plain);
        let bytes = number.and_then(|number| number.checked_mul(unit));
        bytes.map(bound).ok_or_else(|| {
            "a size is a number, with '+' or '-' before it and k, M or G behind it".into()
        })
    }

    fn admits(self, size: u64) -> bool {
        match self {
            Size::More(bound) => size > bound,
            Size::Fewer(bound) => size < bound,
            Size::Exactly(bound) => size == bound,
        }
    }
}

/// What is looked for.
struct Wanted {
    names: Vec<GlobMatcher>,
    path: Option<GlobMatcher>,
    kind: Option<Kind>,
    size: Option<Size>,
}

impl Wanted {
    fn of(args: &Args) -> Result<Wanted> {
        let glob = |text: &Option<String>, any_case: bool| -> Result<Option<GlobMatcher>> {
            let Some(text) = text else { return Ok(None) };
            let glob =
                GlobBuilder::new(text).case_insensitive(any_case).backslash_escape(true).build();
            let glob =
                glob.map_err(|why| Error::usage("the glob cannot be understood").caused_by(why))?;
            Ok(Some(glob.compile_matcher()))
        };
        let names = [glob(&args.name, false)?, glob(&args.iname, true)?];
        let kind = args.kind.as_deref().and_then(|letter| {
            Some(match letter {
                "f" => Kind::File,
                "d" => Kind::Directory,
                "l" => Kind::Symlink,
                "p" => Kind::Fifo,
                "s" => Kind::Socket,
                "b" => Kind::BlockDevice,
                "c" => Kind::CharDevice,
                _ => return None,
            })
        });
        Ok(Wanted {
            names: names.into_iter().flatten().collect(),
            path: glob(&args.path, false)?,
            kind,
            size: args.size,
        })
    }

    fn admits(&self, name: &[u8], path: &[u8], node: &Node) -> bool {
        let matches = |glob: &GlobMatcher, text: &[u8]| {
            glob.is_match_candidate(&globset::Candidate::from_bytes(text))
        };
        self.kind.is_none_or(|kind| kind == node.kind)
            && self
                .size
                .is_none_or(|size| node.kind == Kind::File && size.admits(node.attributes.size))
            && self.names.iter().all(|glob| matches(glob, name))
            && self.path.as_ref().is_none_or(|glob| matches(glob, path))
    }
}

impl Args {
    /// Looks.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let wanted = Wanted::of(&self)?;
        let home = home::for_reading_some()?;
        let here = Place::parse(":".as_ref()).map_err(Error::usage)?;
        let located = Located::of(&home, self.place.as_ref().unwrap_or(&here))?;
        let tree = located.tree();
        let path = relative(&located.mount, located.path());
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default().to_vec();
        let base = path.len();
        let mut pending = vec![(name, path, located.node(located.cursor(false)?)?, 0)];
        let mut listing = output.listing();
        while let Some((name, path, node, depth)) = pending.pop() {
            if wanted.admits(&name, &path, &node) {
                let row = match listing.is_json() {
                    true => node.describe(tree, Row::new().name("path", &path))?,
                    false => Row::new(),
                };
                listing.add(
                    || row,
                    |output| {
                        if self.print0 {
                            return Ok(output.write_all(&[&path[..], b"\0"].concat())?);
                        }
                        let below = path.get(base..).unwrap_or_default();
                        Ok(writeln!(output, "{}", located.named_below(below))?)
                    },
                )?;
            }
            if node.is_directory() && self.maxdepth.is_none_or(|most| depth < most) {
                for (name, node) in located.children(&node)?.into_iter().rev() {
                    pending.push((name.clone(), join(&path, &name), node, depth + 1));
                }
            }
        }
        listing.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_signs_and_units() {
        assert_eq!(Size::parse("+2k"), Ok(Size::More(2048)));
        assert_eq!(Size::parse("-1M"), Ok(Size::Fewer(1 << 20)));
        assert_eq!(Size::parse("0"), Ok(Size::Exactly(0)));
        for wrong in
            ["", "+", "k", "++1", "1x", "99999999999999999999", "17179869184G", "-k", "\u{e4}"]
        {
            assert!(Size::parse(wrong).is_err(), "{wrong}");
        }
    }
}
