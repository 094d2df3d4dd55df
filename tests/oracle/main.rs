//! The kernel as oracle: the same script of libc calls on a real directory and in a workspace, compared line by line.
//!
//! Started by `scripts/oracle`, which says how. Scripts are those of `tests/oracle/scripts` and random ones.

mod arguments;
mod compare;
mod differences;
mod generate;
mod matrix;
mod minimise;
mod player;
mod sides;
mod wrong;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use compare::Verdict;
use differences::Differences;
use generate::Generator;
use matrix::Matrix;
use player::Player;
use sides::{Against, Sides};

struct Options {
    seed: u64,
    cases: u64,
    length: usize,
    prefix: Option<Vec<OsString>>,
    vrift: Option<PathBuf>,
    scripts: Vec<PathBuf>,
    self_check: bool,
    keep_going: u64,
    patience: Duration,
    quiet: bool,
    all: bool,
    pending: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        seed: 1,
        cases: 10,
        length: 3000,
        prefix: None,
        vrift: std::env::var_os("VRIFT_BIN").map(PathBuf::from),
        scripts: Vec::new(),
        self_check: false,
        keep_going: 1,
        patience: Duration::from_secs(40),
        quiet: false,
        all: false,
        pending: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|why| format!("{text}: {why}"));
        match word.as_str() {
            "--seed" => options.seed = number(value()?)?,
            "--cases" => options.cases = number(value()?)?,
            "--length" => options.length = number(value()?)? as usize,
            "--prefix" => {
                options.prefix = Some(value()?.split_whitespace().map(OsString::from).collect())
            }
            "--vrift" => options.vrift = Some(value()?.into()),
            "--self-check" => options.self_check = true,
            "--failures" => options.keep_going = number(value()?)?,
            "--patience" => options.patience = Duration::from_secs(number(value()?)?),
            "--pending" => options.pending = Some(value()?.into()),
            "--all" => options.all = true,
            "--quiet" => options.quiet = true,
            other if !other.starts_with('-') => options.scripts.push(other.into()),
            other => return Err(format!("no option {other}")),
        }
    }
    Ok(options)
}

fn oracle() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR");
    package.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from).join("oracle")
}

/// A run over scripts, with what it found.
struct Run<'p> {
    player: &'p Player,
    sides: Sides,
    differences: Differences,
    matrix: Matrix,
    failures: u64,
    patience: Duration,
}

impl Run<'_> {
    fn script(&mut self, name: &str, lines: &[String], made: bool) -> io::Result<()> {
        let verdict = compare::both(
            &mut self.sides,
            &mut self.differences,
            lines,
            Some((self.player, &mut self.matrix)),
        )?;
        let Verdict::Differs(what) = verdict else { return Ok(()) };
        self.failures += 1;
        println!("\nDIFFERENCE in {name}, {what}");
        if made {
            let (sides, known) = (&mut self.sides, &mut self.differences);
            let least = minimise::minimise(sides, known, lines, &what, self.patience)?;
            println!("the least script that shows one:");
            for line in &least.0 {
                println!("    {line}");
            }
            println!("  {}", least.1);
        }
        io::stdout().flush()
    }
}

impl Run<'_> {
    fn all(&mut self, name: &str, lines: &[String]) -> io::Result<()> {
        let count = Some((self.player, &mut self.matrix));
        for what in compare::all(&mut self.sides, &mut self.differences, lines, count)? {
            self.failures += 1;
            println!("{name}, {what}");
        }
        Ok(())
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn run(options: &Options) -> io::Result<bool> {
    let oracle = oracle();
    let place =
        std::env::var_os("VRIFT_ORACLE_WORK").map_or_else(std::env::temp_dir, PathBuf::from);
    let (work, built) = (place.join("vo"), place.join("built"));
    fs::create_dir_all(&built)?;
    let player = Player::build(&oracle.join("player"), &built)?;
    let outcome = if options.self_check {
        wrong::self_check(&oracle, &player, &work, &built, options.seed)
    } else {
        compare_all(options, &oracle, &player, &work)
    };
    fs::remove_dir_all(&built)?;
    outcome
}

fn known(options: &Options, oracle: &Path) -> io::Result<Differences> {
    let mut known = Differences::read(&oracle.join("differences.txt"))?;
    if let Some(more) = &options.pending {
        known.append(Differences::read(more)?);
    }
    Ok(known)
}

fn compare_all(options: &Options, oracle: &Path, player: &Player, work: &Path) -> io::Result<bool> {
    let against = match (&options.prefix, &options.vrift) {
        (Some(words), _) => Against::Command(words.clone()),
        (None, Some(vrift)) => Against::Workspace(vrift.clone()),
        (None, None) => return Err(io::Error::other("neither --vrift nor --prefix was given")),
    };
    let start = fs::read_to_string(oracle.join("start.txt"))?;
    let mut run = Run {
        player,
        sides: Sides::new(work.to_path_buf(), player.program.clone(), against, start)?,
        differences: known(options, oracle)?,
        matrix: Matrix::default(),
        failures: 0,
        patience: options.patience,
    };
    let began = Instant::now();
    let given = !options.scripts.is_empty();
    let scripts =
        if given { options.scripts.clone() } else { player::files(&oracle.join("scripts"))? };
    for path in &scripts {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let script = lines(&fs::read_to_string(path)?);
        if options.all {
            run.all(&name, &script)?;
        } else {
            run.script(&name, &script, false)?;
        }
    }
    if !given && !options.all {
        // What errors there are was thought of before; that no script meets one any more would go unnoticed.
        for (cell, _) in
            run.matrix.empty(&oracle.join("cells.txt"))?.iter().filter(|(_, why)| why.is_none())
        {
            println!("no script meets {cell}, which has no reason in cells.txt");
            run.failures += 1;
        }
    }
    let written_failures = run.failures;
    for case in 0..if given { 0 } else { options.cases } {
        if run.failures - written_failures >= options.keep_going {
            break;
        }
        let seed = options.seed.wrapping_add(case);
        let script = Generator::new(player, seed).script(options.length);
        if options.all {
            run.all(&format!("seed {seed}"), &script)?;
            continue;
        }
        run.script(&format!("seed {seed}"), &script, true)?;
    }
    let seconds = began.elapsed().as_secs_f64();
    if !options.quiet {
        println!("\n{}", run.matrix.report(player, &oracle.join("cells.txt"))?);
        println!("known differences, and how often each was met:\n{}", run.differences.report());
    }
    if !run.sides.access_times() {
        println!(
            "times of access were not compared: the file system cannot leave them alone (chattr +A)"
        );
    }
    if options.cases > 0 && !given {
        let last = options.seed.wrapping_add(options.cases - 1);
        print!("seeds {}-{last} of {} lines, ", options.seed, options.length);
    }
    println!(
        "as user {}: {} operations in {seconds:.1} s ({:.0} a minute), {} differences",
        rustix::process::geteuid().as_raw(),
        run.matrix.total(),
        run.matrix.total() as f64 * 60.0 / seconds,
        run.failures
    );
    run.sides.remove()?;
    Ok(run.failures == 0)
}

fn main() -> ExitCode {
    let outcome = options().map_err(io::Error::other).and_then(|options| run(&options));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("oracle: {why}");
            ExitCode::from(2)
        }
    }
}
