//! `vrift compact WS`.

use std::io::Write;

use crate::error::Result;
use crate::home;
use crate::output::{Output, Row, human};
use crate::place::Name;

/// Fold the journal of a workspace into an image
///
/// The tree stays as it is, and so does all its history; opening the workspace after a restart of the machine has
/// nothing left to read again. With --forget, states that are older than the oldest snapshot, or than this folding if
/// there is no snapshot, are forgotten; `vrift gc` then removes what only they had.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vrift compact lua\n  vrift compact --forget lua && vrift gc")]
pub struct Args {
    /// The workspace
    #[arg(value_name = "WS")]
    workspace: Name,

    /// Forget the states before the oldest snapshot
    #[arg(long)]
    forget: bool,

    /// Say it as a JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Folds the journal.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        let home = home::for_writing()?;
        let mut workspace = home::open_to_change(&home, self.workspace.as_str())?;
        let records = workspace.head().saturating_sub(workspace.config()?.last_era().base);
        let seq = workspace.compact()?;
        if self.forget {
            workspace.forget()?;
        }
        let oldest = workspace.oldest()?;
        output.set_json(self.json);
        if self.json {
            let row = Row::new()
                .with("workspace", self.workspace.as_str())
                .with("records", records)
                .with("seq", seq)
                .with("oldest_seq", oldest);
            return output.document(&row);
        }
        let name = &self.workspace;
        writeln!(
            output,
            "{name}: {} folded; its history begins with {name}@{oldest}",
            human::counted(records, "record")
        )?;
        Ok(())
    }
}
