//! `vrift fork PLACE NEW`.

use std::io::Write;

use vrift_manifest::workspace::Config;

use crate::error::{Error, Result};
use crate::home;
use crate::located::moment;
use crate::output::{Output, Row};
use crate::place::{Name, Place};

/// Make a new workspace with the tree and the history of another
///
/// Both go their own way from there. The new one has the same mount path. Nothing is copied: the size of the tree does
/// not matter.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vrift fork lua experiment            the present state\n  \
    vrift fork lua@before-upgrade fix    a snapshot\n  vrift fork lua@1042 older            any earlier state")]
pub struct Args {
    /// What to fork: WS, WS@SEQ or WS@SNAPSHOT
    place: Place,

    /// The name of the new workspace
    new: Name,

    /// Say it as a JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Makes the fork.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        if self.place.path.is_some() {
            return Err(Error::usage(format!("'{}' is a part of a tree", self.place))
                .hint("a whole workspace is forked: leave out ':' and what follows"));
        }
        let home = home::for_writing()?;
        let name = home::workspace_name(&home, self.place.workspace.as_ref())?;
        let mut workspace = home::open_to_change(&home, name.as_str())?;
        let moment = moment(&self.place.version);
        workspace.fork(&moment, self.new.as_str())?;
        // The state that the new workspace begins with is the last one before its own part of the journal.
        let directory = home.store().workspaces_dir().join(self.new.as_str());
        let seq = Config::load(&directory)?.open_segment().first.saturating_sub(1);
        output.set_json(self.json);
        if self.json {
            let row = Row::new()
                .with("workspace", self.new.as_str())
                .with("forked_from", name.as_str())
                .with("seq", seq);
            return output.document(&row);
        }
        writeln!(output, "{} is {name}@{seq}", self.new)?;
        Ok(())
    }
}
