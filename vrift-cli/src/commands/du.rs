//! `vrift du [PLACE ...]`.

use std::collections::HashSet;
use std::io::Write;

use vrift_cas::Digest;
use vrift_manifest::attributes::Kind;

use crate::error::{Error, Result};
use crate::home;
use crate::located::{Located, relative};
use crate::node::{Node, join};
use crate::output::{Output, Row, human};
use crate::place::Place;

/// Tell how many bytes are in directories and below them
///
/// A file with several names counts once, where it is found first. With --unique each content counts once, however many
/// files and places have it: a place behind another one counts what it adds, and the total is what the store holds for all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vrift du lua\n  vrift du -s lua experiment\n  \
        vrift du -scu lua experiment      what both take in the store together\n  vrift du -b -d 1 --unique lua | sort -n")]
pub struct Args {
    /// The directories or files
    place: Vec<Place>,

    /// Only the sum of each place
    #[arg(short = 's', long, conflicts_with = "depth")]
    summarize: bool,

    /// Directories at most this many levels deep
    #[arg(short = 'd', long, value_name = "N")]
    depth: Option<usize>,

    /// Files too, not only directories
    #[arg(short = 'a', long)]
    all: bool,

    /// Each content once
    #[arg(short = 'u', long)]
    unique: bool,

    /// The sum of all places, too
    #[arg(short = 'c', long)]
    total: bool,

    /// Numbers of bytes
    #[arg(short = 'b', long)]
    bytes: bool,

    /// One JSON array
    #[arg(long)]
    json: bool,
}

/// A directory whose content is being added up.
struct Open {
    path: Vec<u8>,
    children: std::vec::IntoIter<(Vec<u8>, Node)>,
    bytes: u64,
}

impl Args {
    /// Adds up.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let home = home::for_reading_some()?;
        let here = Place::parse(":".as_ref()).map_err(Error::usage)?;
        let places = if self.place.is_empty() { vec![here] } else { self.place.clone() };
        let located: Vec<Located> =
            places.iter().map(|place| Located::of(&home, place)).collect::<Result<_>>()?;
        let mut listing = output.listing();
        let (mut seen, mut total) = (HashSet::new(), 0_u64);
        for located in &located {
            let seen = self.unique.then_some(&mut seen);
            let mut counter = Counter { located, seen, linked: HashSet::new() };
            total = total.saturating_add(counter.sum(&self, &mut listing)?);
        }
        if self.total {
            let row = || Row::new().with("total", total);
            listing.add(row, |output| Ok(writeln!(output, "{}\ttotal", self.size(total))?))?;
        }
        listing.end()
    }

    fn size(&self, bytes: u64) -> String {
        if self.bytes { bytes.to_string() } else { human::size(bytes) }
    }

    fn shows(&self, depth: usize, directory: bool) -> bool {
        if depth == 0 {
            return true;
        }
        !self.summarize && (directory || self.all) && self.depth.is_none_or(|most| depth <= most)
    }
}

struct Counter<'l> {
    located: &'l Located,
    /// The contents that were counted, in any place, where each counts once.
    seen: Option<&'l mut HashSet<Digest>>,
    linked: HashSet<u64>,
}

impl Counter<'_> {
    /// Adds up a place; without recursion, as a tree may be deeper than a stack.
    fn sum(&mut self, args: &Args, listing: &mut crate::output::Listing<'_, '_>) -> Result<u64> {
        let start = self.located.node(self.located.cursor(true)?)?;
        let path = relative(&self.located.mount, self.located.path());
        if !start.is_directory() {
            let bytes = self.bytes(&start)?;
            self.show(args, listing, &path, bytes, path.len())?;
            return Ok(bytes);
        }
        let (base, mut sum) = (path.len(), 0);
        let mut open =
            vec![Open { path, children: self.located.children(&start)?.into_iter(), bytes: 0 }];
        while let Some(mut directory) = open.pop() {
            let Some((name, node)) = directory.children.next() else {
                if args.shows(open.len(), true) {
                    self.show(args, listing, &directory.path, directory.bytes, base)?;
                }
                match open.last_mut() {
                    Some(above) => above.bytes = above.bytes.saturating_add(directory.bytes),
                    None => sum = directory.bytes,
                }
                continue;
            };
            let path = join(&directory.path, &name);
            if node.is_directory() {
                open.push(directory);
                open.push(Open {
                    path,
                    children: self.located.children(&node)?.into_iter(),
                    bytes: 0,
                });
                continue;
            }
            let bytes = self.bytes(&node)?;
            directory.bytes = directory.bytes.saturating_add(bytes);
            if args.shows(open.len() + 1, false) {
                self.show(args, listing, &path, bytes, base)?;
            }
            open.push(directory);
        }
        Ok(sum)
    }

    /// What a node adds.
    fn bytes(&mut self, node: &Node) -> Result<u64> {
        let again = node.attributes.nlink > 1 && !self.linked.insert(node.number);
        if node.kind != Kind::File || again {
            return Ok(0);
        }
        let known = match (&mut self.seen, node.digest(self.located.tree())?) {
            (Some(seen), Some(digest)) => !seen.insert(digest),
            _ => false,
        };
        Ok(if known { 0 } else { node.attributes.size })
    }

    fn show(
        &self,
        args: &Args,
        listing: &mut crate::output::Listing<'_, '_>,
        path: &[u8],
        bytes: u64,
        base: usize,
    ) -> Result<()> {
        let place = self.located.named();
        let row = || Row::new().with("place", &place).name("path", path).with("bytes", bytes);
        listing.add(row, |output| {
            let below = path.get(base..).unwrap_or_default();
            Ok(writeln!(output, "{}\t{}", args.size(bytes), self.located.named_below(below))?)
        })
    }
}
