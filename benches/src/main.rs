//! Measures `vrift` beside native tools. Native and ours alternate in one run, so that both see the same machine; what
//! counts is their ratio.
//!
//! ```text
//! vrift-bench [--vrift PATH] [--room DIR] [--rounds N] [--files N] [--large N]
//! ```
//! Prints a table in Markdown. `--room` is where everything is written (a temporary directory is made in it): it should
//! be on the file system that is to be measured.
#![forbid(unsafe_code)]

mod cases;
mod generate;
mod measure;
mod probes;

use std::path::PathBuf;

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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [probe, store, name] = arguments.as_slice()
        && probe == "--probe-open"
    {
        return probes::open_memory(store.as_ref(), name);
    }
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    let number = |name: &str, default: u32| {
        value(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let options = Options {
        vrift: value("--vrift").unwrap_or_else(|| "target/release/vrift".to_owned()).into(),
        room: value("--room").map_or_else(std::env::temp_dir, PathBuf::from),
        rounds: number("--rounds", 5) as usize,
        files: number("--files", 20_000),
        large: number("--large", 1_000_000),
    };
    let options = Options { vrift: options.vrift.canonicalize()?, ..options };
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
