//! `vrift ls [PLACE ...]`.

use std::io::Write;

use vrift_manifest::tree::Tree;

use crate::error::{Error, Kind, Result};
use crate::home;
use crate::located::{Located, relative};
use crate::node::{Node, join, mode_text};
use crate::output::accounts::Accounts;
use crate::output::{Listing, Output, Row, columns, human, names};
use crate::place::Place;

/// List directories of a workspace, as `ls` does
///
/// Names are sorted by their bytes and shown as `ls -b` shows them: what is not printable is escaped. Without PLACE the
/// root of the current directory's workspace is listed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  vrift ls lua\n  vrift ls -l lua@before:src\n  vrift ls -laR :src\n  \
    vrift ls --json lua | jq -r '.[].path'\n\n\
    With --json: one array of all that is listed. `path` starts at the root of the tree; a name that is not UTF-8\n\
    also has its bytes, as hexadecimal digits, in `path_hex` and `name_hex`."
)]
pub struct Args {
    /// The directories or files
    place: Vec<Place>,

    /// Mode, links, owner, group, size, time and target too
    #[arg(short = 'l', long)]
    long: bool,

    /// Also names that begin with '.', and '.' and '..'
    #[arg(short = 'a', long)]
    all: bool,

    /// Also names that begin with '.', without '.' and '..'
    #[arg(short = 'A', long)]
    almost_all: bool,

    /// Everything below too
    #[arg(short = 'R', long)]
    recursive: bool,

    /// The directories themselves, not what is in them
    #[arg(short = 'd', long, conflicts_with = "recursive")]
    directory: bool,

    /// One name a line
    #[arg(short = '1')]
    one: bool,

    /// The node numbers too
    #[arg(short = 'i', long)]
    inode: bool,

    /// Numbers instead of the names of owners and groups
    #[arg(short = 'n', long)]
    numeric: bool,

    /// One JSON array
    #[arg(long)]
    json: bool,

    /// Compare the tree's image with its digest, and build its live index anew from the journal, before it is looked at
    #[arg(long)]
    verify: bool,
}

/// A line of a listing.
struct Item {
    /// As it is shown.
    name: Vec<u8>,
    /// From the root.
    path: Vec<u8>,
    node: Node,
}

impl Args {
    /// Lists the places.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let home = home::for_reading_some()?.verifying(self.verify);
        let here = Place::parse(":".as_ref()).map_err(Error::usage)?;
        let places = if self.place.is_empty() { vec![here] } else { self.place.clone() };
        let accounts =
            if self.numeric || !self.long { Accounts::none() } else { Accounts::of_machine() };
        let width = if self.one { None } else { output.width() };
        let mut lister =
            Lister { args: &self, accounts, width, listing: output.listing(), first: true };
        let mut failed = false;
        let mut found = Vec::new();
        for place in &places {
            let looked = Located::of(&home, place).and_then(|located| {
                // As ls: a symlink is shown as what it is, unless its directory is to be listed.
                let follow = !self.long && !self.directory;
                let at = located.cursor(follow).or_else(|error| match follow {
                    true => located.cursor(false).map_err(|_| error),
                    false => Err(error),
                })?;
                let node = located.node(at)?;
                Ok((located, node))
            });
            match looked {
                Ok(looked) => found.push(looked),
                Err(error) if error.kind() == Kind::Failed => {
                    error.report(&mut std::io::stderr());
                    failed = true;
                }
                Err(error) => return Err(error),
            }
        }
        lister.places(&found, places.len() > 1)?;
        lister.listing.end()?;
        if failed { Err(Error::incomplete()) } else { Ok(()) }
    }
}

struct Lister<'l, 'o, 'a> {
    args: &'l Args,
    accounts: Accounts,
    /// Of the terminal, if names are to stand side by side.
    width: Option<usize>,
    listing: Listing<'o, 'a>,
    /// Nothing was listed yet.
    first: bool,
}

impl Lister<'_, '_, '_> {
    /// Files first, then each directory under its name, as ls does.
    fn places(&mut self, found: &[(Located, Node)], several: bool) -> Result<()> {
        let opened = |node: &Node| node.is_directory() && !self.args.directory;
        for (located, node) in found.iter().filter(|(_, node)| !opened(node)) {
            let name = located.named().into_bytes();
            let path = relative(&located.mount, located.path());
            // Each may be of another tree, so each is a listing of its own.
            self.items(located.tree(), &[Item { name, path, node: *node }], true)?;
        }
        for (located, node) in found.iter().filter(|(_, node)| opened(node)) {
            let path = relative(&located.mount, located.path());
            let headed = several || self.args.recursive;
            self.directory(located, headed.then(|| located.named()), path, *node)?;
        }
        Ok(())
    }

    /// A directory, and with `-R` all below, without recursion: a tree may be deeper than a stack.
    fn directory(
        &mut self,
        located: &Located,
        heading: Option<String>,
        path: Vec<u8>,
        node: Node,
    ) -> Result<()> {
        let tree = located.tree();
        let mut pending = vec![(heading, path, node)];
        while let Some((heading, path, node)) = pending.pop() {
            if let Some(heading) = &heading {
                self.heading(heading)?;
            }
            let children = located.children(&node)?;
            let mut items = Vec::new();
            if self.args.all && !self.args.json {
                let parent = tree.parent(node.at)?.unwrap_or(node.at);
                items.push(Item { name: b".".to_vec(), path: path.clone(), node });
                let parent = Node::of(tree, parent)?;
                items.push(Item { name: b"..".to_vec(), path: path.clone(), node: parent });
            }
            for (name, node) in children {
                let hidden = name.starts_with(b".") && !self.args.all && !self.args.almost_all;
                if !hidden {
                    items.push(Item { path: join(&path, &name), name, node });
                }
            }
            self.items(tree, &items, false)?;
            if self.args.recursive {
                let below = |item: &&Item| {
                    item.node.is_directory() && item.name != b"." && item.name != b".."
                };
                for item in items.iter().filter(below).rev() {
                    let heading = heading.as_ref().map(|above| {
                        let separator = if above.contains(':') { "/" } else { ":" };
                        let separator = if above.ends_with([':', '/']) { "" } else { separator };
                        format!("{above}{separator}{}", names::shown(&item.name))
                    });
                    pending.push((heading, item.path.clone(), item.node));
                }
            }
        }
        Ok(())
    }

    fn heading(&mut self, heading: &str) -> Result<()> {
        let gap = if self.first { "" } else { "\n" };
        self.first = false;
        self.listing.text(|output| Ok(writeln!(output, "{gap}{heading}:")?))
    }

    fn items(&mut self, tree: &Tree, items: &[Item], files: bool) -> Result<()> {
        self.first &= !files;
        if self.args.json {
            for item in items {
                let row = Row::new().name("path", &item.path);
                let name = item.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
                let row = item.node.describe(tree, row.name("name", name))?;
                self.listing.add(|| row, |_| Ok(()))?;
            }
            return Ok(());
        }
        if self.args.long {
            return self.lines(tree, items);
        }
        let number = |item: &Item| match self.args.inode {
            true => format!("{} ", item.node.number),
            false => String::new(),
        };
        let width = self.width;
        self.listing.text(|output| {
            let cells: Vec<_> = items
                .iter()
                .map(|item| {
                    let text = format!("{}{}", number(item), names::shown(&item.name));
                    let wide = text.chars().count();
                    (output.styled(item.node.style(), text), wide)
                })
                .collect();
            Ok(columns::write(output, &cells, width)?)
        })
    }

    /// The lines of `ls -l`, in columns as wide as the widest.
    fn lines(&mut self, tree: &Tree, items: &[Item]) -> Result<()> {
        let mut rows = Vec::with_capacity(items.len());
        for item in items {
            let attributes = item.node.attributes;
            let number = if self.args.inode { item.node.number.to_string() } else { String::new() };
            let size = match item.node.device() {
                Some((major, minor)) => format!("{major}, {minor}"),
                None => attributes.size.to_string(),
            };
            rows.push([
                number,
                attributes.nlink.to_string(),
                self.accounts.user(attributes.uid),
                self.accounts.group(attributes.gid),
                size,
            ]);
        }
        let mut widths = [0; 5];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let [number_width, link_width, user_width, group_width, size_width] = widths;
        for (item, [number, nlink, user, group, size]) in items.iter().zip(&rows) {
            let attributes = item.node.attributes;
            let target = tree.target(item.node.at)?;
            self.listing.text(|output| {
                if number_width > 0 {
                    write!(output, "{number:>number_width$} ")?;
                }
                let name = output.styled(item.node.style(), names::shown(&item.name));
                write!(
                    output,
                    "{} {nlink:>link_width$} {user:<user_width$} {group:<group_width$} {size:>size_width$} {} {name}",
                    mode_text(attributes.mode),
                    human::short_time(attributes.mtime),
                )?;
                if let Some(target) = &target {
                    write!(output, " -> {}", names::shown(target))?;
                }
                Ok(writeln!(output)?)
            })?;
        }
        Ok(())
    }
}
