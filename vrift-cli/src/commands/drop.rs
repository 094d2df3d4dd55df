//! `vrift drop NAME` and `vrift drop WS@SNAPSHOT`.

use std::io::Write;

use vrift_manifest::workspace::drop_workspace;

use crate::error::{Error, Result};
use crate::home;
use crate::output::{Output, Row};
use crate::place::{Place, Version};

/// Remove a workspace, or a snapshot's name
///
/// Other workspaces never lose anything by it, forks of a dropped one neither. What nobody needs any more is removed
/// from the disk by `vrift gc`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  vrift drop experiment             the workspace and its history\n  \
    vrift drop lua@before-upgrade     only the name of that state"
)]
pub struct Args {
    /// NAME of a workspace, or WS@SNAPSHOT
    #[arg(value_name = "NAME or WS@SNAPSHOT", required = true)]
    what: Vec<Place>,

    /// Say it as a JSON array
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Drops what is named.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let checked: Vec<_> = self.what.iter().map(check).collect::<Result<_>>()?;
        let home = home::for_writing()?;
        let mut listing = output.listing();
        for (name, snapshot) in checked {
            match snapshot {
                Some(snapshot) => home::open(&home, name)?.drop_snapshot(snapshot)?,
                None => drop_workspace(&home, name)?,
            }
            let row = || Row::new().with("workspace", name).with("snapshot", snapshot);
            listing.add(row, |output| {
                match snapshot {
                    Some(snapshot) => writeln!(output, "dropped the snapshot {name}@{snapshot}")?,
                    None => writeln!(output, "dropped the workspace {name}")?,
                }
                Ok(())
            })?;
        }
        listing.end()
    }
}

/// The names in an argument: nothing is dropped because it is in the current directory.
fn check(place: &Place) -> Result<(&str, Option<&str>)> {
    let name = place.workspace.as_ref().ok_or_else(|| {
        Error::usage(format!("'{place}' does not name a workspace"))
            .hint("what is dropped must be named: `vrift drop NAME`")
    })?;
    match (&place.version, &place.path) {
        (_, Some(_)) => Err(Error::usage(format!("'{place}' is a part of a tree"))
            .hint("a whole workspace is dropped: leave out ':' and what follows")),
        (Version::Seq(_), None) => {
            Err(Error::usage(format!("'{place}' is a state, not a snapshot"))
                .hint("`vrift compact --forget` forgets states that no snapshot names"))
        }
        (Version::Now, None) => Ok((name.as_str(), None)),
        (Version::Snapshot(snapshot), None) => Ok((name.as_str(), Some(snapshot.as_str()))),
    }
}
