//! What survives: kills, power cuts, load, poor machines, other users. Started by hand or by `scripts/survive`:
//!
//!     survive ROW [--seconds N] [--seed S] [--cases N]
//!
//! Each row prints lines `tally ROW TESTED VIOLATIONS SEEDS`, separated by tabs. The exit code is 0 if nothing was violated.
//! Of what was, it says what happened, how to do it again, and where the store lies that it happened to.

mod damage;
mod environment;
mod existing;
mod kills;
mod load;
mod look;
mod options;
mod picture;
mod power;
mod processes;
mod project;
mod said;
mod security;
mod tally;
mod watch;

use std::process::ExitCode;

use options::Options;

/// What can be asked for: its name, what it does, and who does it.
type Row = (&'static str, &'static str, fn(&Options) -> bool);

const ROWS: &[Row] = &[
    ("damage", "random damage to contents, images, journals and live indexes", damage::row),
    ("kills", "kill -9 of any process at any time of any operation", kills::row),
    ("power", "power cuts on ext4 and xfs", power::row),
    (
        "load",
        "64 writers and readers, gc, fsck and builds at once; stopped and dead owners of the lock",
        load::row,
    ),
    ("environment", "builds where something is missing", environment::row),
    ("security", "what others can see and do", security::row),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = words.first().map_or("", String::as_str);
    match word {
        "list" => {
            for (name, what, _) in ROWS {
                println!("{name}\t{what}");
            }
            return ExitCode::SUCCESS;
        }
        // Run by this program itself, in a workspace.
        "show" => return damage::look::show(&words[1..]),
        "look" => return look::look(&words[1..]),
        "crowd" => return load::crowd::crowd(&words[1..]),
        _ => {}
    }
    let Some((_, _, row)) = ROWS.iter().find(|(name, _, _)| *name == word) else {
        eprintln!("survive list|ROW [--seconds N] [--seed S] [--cases N]");
        return ExitCode::from(2);
    };
    match Options::of(&words[1..]) {
        Ok(options) if row(&options) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}
