//! `vrift manual DIR`.

use std::path::{Path, PathBuf};

use crate::args;
use crate::error::{Error, Result};

/// Write the pages of the manual, one a command, for `man`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vrift manual ~/.local/share/man/man1; man vrift-run\n  \
    vrift manual pages")]
pub struct Args {
    /// The directory, made if there is none
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Args {
    /// Writes them.
    pub fn run(self) -> Result<()> {
        let directory = &self.directory;
        std::fs::create_dir_all(directory).map_err(|error| Error::at("make", directory, error))?;
        let mut all = args::shown();
        all.build();
        write(&all, directory)?;
        // Their full names, `vrift-run`, are known now.
        all.get_subcommands().try_for_each(|command| write(command, directory))
    }
}

fn write(command: &clap::Command, directory: &Path) -> Result<()> {
    let page = clap_mangen::Man::new(command.clone());
    let path = directory.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text)?;
    std::fs::write(&path, text).map_err(|error| Error::at("write", &path, error))
}
