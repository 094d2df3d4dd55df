//! `vrift reset WS PLACE`.

use std::io::Write;

use crate::diff::known_below;
use crate::error::{Error, Result};
use crate::home;
use crate::located::Located;
use crate::output::{Output, Row};
use crate::place::{Name, Place, Version};

/// Make the tree of a workspace that of a place, as one step of its history
///
/// Nothing is lost: the state before is still there under its number. Files that both have are the same nodes
/// afterwards; of a place that the workspace has no history in common with, all are new.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vrift reset lua lua@before      back to the snapshot\n  \
    vrift reset lua lua@1042        back to a state\n  vrift reset lua experiment      take over what a fork has")]
pub struct Args {
    /// The workspace
    #[arg(value_name = "WS")]
    workspace: Name,

    /// The state that it shall have: WS@SEQ, WS@SNAPSHOT or another workspace
    place: Place,

    /// Say it as a JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Resets the workspace.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        if self.place.path.is_some() {
            return Err(Error::usage(format!("'{}' is a part of a tree", self.place))
                .hint("a workspace gets a whole tree: leave out ':' and what follows"));
        }
        let home = home::for_writing()?;
        let mut workspace = home::open_to_change(&home, self.workspace.as_str())?;
        let present =
            Place { workspace: Some(self.workspace.clone()), version: Version::Now, path: None };
        let wanted = Located::of(&home, &self.place)?;
        let known = {
            let present = Located::of(&home, &present)?;
            known_below(&present, &wanted)?
        };
        let before = workspace.head();
        let of_own = wanted.workspace.name() == workspace.name();
        let same = !workspace.changed_since(wanted.seq)? && workspace.drafts().is_empty();
        let seq = match of_own && same {
            // It is that state already.
            true => None,
            false => Some(workspace.reset_to(wanted.tree(), known)?),
        };
        output.set_json(self.json);
        let (name, from) =
            (workspace.name(), format!("{}@{}", wanted.workspace.name(), wanted.seq));
        if self.json {
            let row = Row::new()
                .with("workspace", name)
                .with("reset_to", from)
                .with("seq", seq.unwrap_or(before))
                .with("before", before)
                .with("changed", seq.is_some());
            return output.document(&row);
        }
        match seq {
            None => writeln!(output, "{name} has not changed since {from}")?,
            Some(seq) => {
                writeln!(
                    output,
                    "{name} is as {from} was: state {seq}; before, it was {name}@{before}"
                )?;
            }
        }
        Ok(())
    }
}
