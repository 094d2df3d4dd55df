//! Measures Velo Rift beside what there is without it. Native and ours alternate in one run, so that both see the same
//! machine; what counts is their ratio.
//!
//! ```text
//! vrift-bench [--vrift PATH] [--room DIR] [--rounds N] [--files N] [--large N]      the command
//! vrift-bench shim [...]                                                            the preloaded library: see `shim`
//! ```
//! Prints tables in Markdown. `--room` is where everything is written (a temporary directory is made in it): it should
//! be on the file system that is to be measured.
#![forbid(unsafe_code)]

mod arguments;
mod cases;
mod generate;
mod measure;
mod probes;
mod shim;

use std::path::PathBuf;

use arguments::Arguments;

/// What the arguments say.
pub struct Options {
    /// The command.
    pub vrift: PathBuf,
    /// Where to write.
    pub room: PathBuf,
    /// How often each case is run.
    pub rounds: usize,
    /// Files of the tree that is ingested.
    pub files: u32,
    /// Files of the large workspace.
    pub large: u32,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments(std::env::args().skip(1).collect());
    match arguments.0.as_slice() {
        [probe, store, name] if probe == "--probe-open" => {
            probes::open_memory(store.as_ref(), name)
        }
        [what, ..] if what == "shim" => shim::run(&arguments),
        _ => command(&arguments),
    }
}

/// Measures the command.
fn command(arguments: &Arguments) -> std::io::Result<()> {
    let options = Options {
        vrift: arguments.vrift()?,
        room: arguments.room(),
        rounds: arguments.number("--rounds", 5) as usize,
        files: arguments.number("--files", 20_000),
        large: arguments.number("--large", 1_000_000),
    };
    let room = tempfile::Builder::new().prefix("vrift-bench.").tempdir_in(&options.room)?;
    println!("## Side by side\n");
    println!(
        "| case | native | ours | ratio: median (least .. most) | goal |\n|---|---|---|---|---|"
    );
    generate::source(&room.path().join("src"), options.files)?;
    for case in cases::ALL {
        println!("{}", measure::side_by_side(case, room.path(), &options)?);
    }
    println!("\n## By themselves\n\n| figure | measured | goal |\n|---|---|---|");
    for line in probes::all(room.path(), &options)? {
        println!("{line}");
    }
    Ok(())
}
