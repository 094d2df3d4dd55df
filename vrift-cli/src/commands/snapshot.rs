//! `vrift snapshot WS NAME`.

use std::io::Write;

use crate::error::Result;
use crate::home;
use crate::output::{Output, Row};
use crate::place::{Name, SnapshotName};

/// Name the present state of a workspace
///
/// The state is then `WS@NAME` in every PLACE, and is kept by `vrift compact --forget`. It is on disk when the command
/// returns. The size of the tree does not matter: no file is copied or read.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  vrift snapshot lua before-upgrade\n  vrift diff lua@before-upgrade lua"
)]
pub struct Args {
    /// The workspace
    #[arg(value_name = "WS")]
    workspace: Name,

    /// The snapshot's name: letters, digits, '.', '_' and '-', not digits alone
    #[arg(value_name = "NAME")]
    name: SnapshotName,

    /// Say it as a JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Takes the snapshot.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        let home = home::for_writing()?;
        let mut workspace = home::open_to_change(&home, self.workspace.as_str())?;
        let seq = workspace.snapshot(self.name.as_str())?;
        output.set_json(self.json);
        if self.json {
            let row = Row::new()
                .with("workspace", self.workspace.as_str())
                .with("snapshot", self.name.as_str())
                .with("seq", seq);
            return output.document(&row);
        }
        writeln!(output, "{}@{} is state {seq}", self.workspace, self.name.as_str())?;
        Ok(())
    }
}
