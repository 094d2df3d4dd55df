//! `vrift completions SHELL`.

use crate::args;
use crate::error::Result;
use crate::output::Output;

/// Write a script that completes vrift's command lines
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vrift completions bash > ~/.local/share/bash-completion/completions/vrift\n  \
    vrift completions zsh > ~/.zfunc/_vrift\n  \
    vrift completions fish > ~/.config/fish/completions/vrift.fish")]
pub struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

impl Args {
    /// Writes the script.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        // Into memory first: the generator takes any error of the output for a reason to panic.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut args::shown(), "vrift", &mut script);
        Ok(std::io::Write::write_all(output, &script)?)
    }
}
