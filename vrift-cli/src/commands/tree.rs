//! `vrift tree [PLACE]`.

use std::io::Write;

use crate::error::{Error, Result};
use crate::home;
use crate::located::{Located, relative};
use crate::node::{Node, join};
use crate::output::{Output, Row, human, names};
use crate::place::Place;

/// Draw a directory with all that is below it, as `tree` does
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  vrift tree lua\n  vrift tree -L 2 lua@before:src\n  vrift tree -d\n\n\
    With --json: one array of all nodes, parents before their children, each with its depth."
)]
pub struct Args {
    /// The directory
    place: Option<Place>,

    /// Also names that begin with '.'
    #[arg(short = 'a', long)]
    all: bool,

    /// Only directories
    #[arg(short = 'd', long)]
    directories: bool,

    /// At most this many levels deep
    #[arg(short = 'L', long, value_name = "N")]
    level: Option<usize>,

    /// One JSON array
    #[arg(long)]
    json: bool,
}

/// What is still to be drawn: a node, and for each level above whether more follows there.
struct Pending {
    name: Vec<u8>,
    path: Vec<u8>,
    node: Node,
    above: Vec<bool>,
}

impl Args {
    /// Draws the tree.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let home = home::for_reading_some()?;
        let here = Place::parse(":".as_ref()).map_err(Error::usage)?;
        let located = Located::of(&home, self.place.as_ref().unwrap_or(&here))?;
        let tree = located.tree();
        let node = located.node(located.cursor(true)?)?;
        let path = relative(&located.mount, located.path());
        let name = located.named().into_bytes();
        let mut pending = vec![Pending { name, path, node, above: Vec::new() }];
        let (mut directories, mut others) = (0, 0);
        let mut listing = output.listing();
        while let Some(Pending { name, path, node, above }) = pending.pop() {
            let depth = above.len();
            if depth > 0 {
                *(if node.is_directory() { &mut directories } else { &mut others }) += 1;
            }
            let row = match listing.is_json() {
                true => node.describe(tree, Row::new().name("path", &path).with("depth", depth))?,
                false => Row::new(),
            };
            let target = tree.target(node.at)?;
            listing.add(
                || row,
                |output| {
                    write!(output, "{}", lines(&above))?;
                    // The first name is a place, which is shown as it was written.
                    let shown = match depth {
                        0 => String::from_utf8_lossy(&name).into_owned(),
                        _ => names::shown(&name).to_string(),
                    };
                    write!(output, "{}", output.styled(node.style(), shown))?;
                    if let Some(target) = target {
                        write!(output, " -> {}", names::shown(&target))?;
                    }
                    Ok(writeln!(output)?)
                },
            )?;
            if !node.is_directory() || self.level.is_some_and(|level| depth >= level) {
                continue;
            }
            let mut children = located.children(&node)?;
            children.retain(|(name, node)| {
                (self.all || !name.starts_with(b".")) && (!self.directories || node.is_directory())
            });
            for (place, (name, node)) in children.into_iter().rev().enumerate() {
                let mut above = above.clone();
                above.push(place > 0);
                pending.push(Pending { path: join(&path, &name), name, node, above });
            }
        }
        listing.text(|output| {
            let said = match directories {
                1 => "1 directory".to_owned(),
                many => format!("{} directories", human::count(many)),
            };
            write!(output, "\n{said}")?;
            if !self.directories {
                write!(output, ", {}", human::counted(others, "file"))?;
            }
            Ok(writeln!(output)?)
        })?;
        listing.end()
    }
}

/// The lines before a name.
fn lines(above: &[bool]) -> String {
    let Some((last, before)) = above.split_last() else { return String::new() };
    let mut text: String =
        before.iter().map(|more| if *more { "\u{2502}   " } else { "    " }).collect();
    text.push_str(if *last { "\u{251c}\u{2500}\u{2500} " } else { "\u{2514}\u{2500}\u{2500} " });
    text
}
