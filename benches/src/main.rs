//! Measures Velo Rift beside what there is without it. All sides alternate in one run, so that they see the same machine; what
//! counts is their ratio, and native against itself says how much of a ratio is noise. `scripts/bench` calls it.
//!
//! ```text
//! vrift-bench [--quick] [--huge] [--only SECTION,...] [--case NAME] [--rounds N] [--files N] [--clock processor]
//!             [--vrift PATH] [--room DIR] [--sources DIR] [--out DIR]
//! ```
//! - `--quick`: few rounds and small trees, all within a few minutes. `--huge`: also a workspace of 10 million files.
//! - `--only`: of `primitives`, `workspaces`, `transfer`, `growth`, `crowd`, `builds`. `--case`: one of the single operations.
//! - `--clock processor` counts single operations by processor time instead of the wall's, for a machine that does other
//!   things at the same time.
//! - `--room` is where everything is written (a temporary directory is made in it): it should be on the file system that is to
//!   be measured. Nothing of it is removed before the end.
//! - `--out`: a directory for the report, every measurement and the plots; the report goes to standard output, too.
//!
//! Exit code 1 if something does not work natively or with us, or gives a wrong result. No time is a failure.
#![forbid(unsafe_code)]

mod arguments;
mod builds;
mod csv;
mod generate;
mod growth;
mod measure;
mod primitives;
mod report;
mod shell;
mod statistics;
mod svg;
mod table;
mod transfer;
mod workspaces;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arguments::Arguments;
use primitives::Primitives;
use report::Report;
use table::Table;

/// What the arguments say.
pub struct Options {
    /// The command.
    pub vrift: PathBuf,
    /// The library that is preloaded.
    pub library: PathBuf,
    /// Rounds, if they are told.
    rounds: Option<u32>,
    /// Files of the trees that are ingested and forked, if they are told.
    files: Option<u32>,
    /// The only single operation; none: all.
    pub case: Option<String>,
    /// `wall` or `processor`.
    pub clock: String,
    /// Where the sources of programs are kept between runs.
    pub sources: PathBuf,
    /// The short form.
    pub quick: bool,
    /// Also the largest tree.
    pub huge: bool,
    /// Sections; none: all.
    only: Vec<String>,
}

impl Options {
    fn of(arguments: &Arguments) -> io::Result<Options> {
        let vrift = arguments.vrift()?;
        let library = vrift.with_file_name("libvrift_shim.so").canonicalize()?;
        let target = vrift.parent().and_then(Path::parent).unwrap_or(Path::new("target"));
        let sources = arguments.value("--sources").map_or(target.join("bench-sources"), Into::into);
        let only = arguments.value("--only").unwrap_or_default();
        Ok(Options {
            library,
            rounds: arguments.number("--rounds"),
            files: arguments.number("--files"),
            case: arguments.value("--case"),
            clock: arguments.value("--clock").unwrap_or_else(|| "wall".to_owned()),
            sources,
            quick: arguments.has("--quick"),
            huge: arguments.has("--huge"),
            only: only.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            vrift,
        })
    }

    /// Rounds of a section, of the full form and of the quick one.
    pub fn rounds(&self, full: u32, quick: u32) -> u32 {
        self.rounds.unwrap_or(if self.quick { quick } else { full }).max(1)
    }

    /// Files of a tree of sources.
    pub fn files(&self) -> u32 {
        self.files.unwrap_or(if self.quick { 2_000 } else { 20_000 }).max(1)
    }

    fn wants(&self, section: &str) -> bool {
        match &self.case {
            Some(_) => section == "primitives",
            None => self.only.is_empty() || self.only.iter().any(|only| only == section),
        }
    }
}

fn main() -> io::Result<ExitCode> {
    let arguments = Arguments(std::env::args().skip(1).collect());
    if let [probe, store, name] = arguments.0.as_slice()
        && probe == "--probe-open"
    {
        return growth::open_memory(store.as_ref(), name).map(|()| ExitCode::SUCCESS);
    }
    let options = Options::of(&arguments)?;
    let room = arguments.room().canonicalize()?;
    let room = tempfile::Builder::new().prefix("vrift-bench.").tempdir_in(room)?;
    let commit = arguments.value("--commit").unwrap_or_else(|| "unknown".to_owned());
    let head = report::machine(room.path(), options.quick, &commit);
    let (tables, broken) = measure(room.path(), &options)?;
    let load = report::load();
    let report = Report { head: format!("{head}\nLoad at the end: {load}.\n"), tables };
    println!("{}", report.markdown(false));
    if let Some(directory) = arguments.value("--out") {
        report.write(directory.as_ref())?;
    }
    let failures = [broken, report.failures()].concat();
    for failure in &failures {
        eprintln!("FAILED: {failure}");
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All sections that are wanted, and what could not be measured. What removes files comes last.
fn measure(room: &Path, options: &Options) -> io::Result<(Vec<Table>, Vec<String>)> {
    let (mut tables, mut broken) = (Vec::new(), Vec::new());
    let begun = std::time::Instant::now();
    let mut take = |name: &str, of: &dyn Fn(&Path) -> io::Result<Table>| {
        if options.wants(name) {
            eprintln!("{name}, at {} s", begun.elapsed().as_secs());
            let directory = room.join(name);
            match fs::create_dir(&directory).and_then(|()| of(&directory)) {
                Ok(table) => tables.push(table),
                Err(error) => broken.push(format!("{name}: {error}")),
            }
        }
    };
    let mut primitives = None;
    if ["primitives", "growth", "crowd"].iter().any(|name| options.wants(name)) {
        eprintln!("trees");
        let directory = room.join("trees");
        fs::create_dir(&directory)?;
        primitives = Some(Primitives::make(&directory, options, options.wants("primitives"))?);
    }
    if let Some(primitives) = &primitives {
        take("primitives", &|_| Ok(primitives.measure(primitives.table(), options, false)));
    }
    take("workspaces", &|room| workspaces::measure(room, options));
    take("transfer", &|room| transfer::measure(room, options));
    if let Some(primitives) = &primitives {
        take("growth", &|room| growth::measure(primitives, room, options));
        take("crowd", &|_| Ok(growth::crowd(primitives, options)));
    }
    take("builds", &|room| builds::measure(room, options));
    if let Some(primitives) = &primitives
        && let Some(place) = tables.iter().position(|table: &Table| table.name == "primitives")
    {
        let mut table = primitives.measure(tables.remove(place), options, true);
        table.text += &format!(" Drafts left at the end: {}.", primitives.drafts_left());
        tables.insert(place, table);
    }
    Ok((tables, broken))
}
