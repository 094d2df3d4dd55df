//! What this machine allows, each mechanism tried for real: in a scratch directory on the store's file system, with a
//! store and a workspace of its own. The user's store is only looked at.

mod check;
mod child;
mod compile;
mod files;
mod memory;
mod programs;
mod scratch;
mod store;

use std::path::Path;

pub use check::{Check, Outcome};
use scratch::Scratch;

use crate::error::{Error, Result};
use crate::home;
use crate::interrupt;

/// Tries everything, and tells of each check when it is done.
pub fn examine(tell: &mut dyn FnMut(&Check) -> Result<()>) -> Result<()> {
    interrupt::watch();
    let path = home::store_path()?;
    tell(&store::existing(&path))?;
    if let Some(kept) = store::interrupted() {
        tell(&kept)?;
    }
    tell(&proc())?;
    tell(&store::restarts())?;
    tell(&memory::runtime())?;
    let scratch = match Scratch::at(&path) {
        Ok(scratch) => scratch,
        Err(why) => return elsewhere(&path, &why, tell),
    };
    tried(&scratch, tell)
}

/// Where nothing can be written at the store, the rest is tried where temporary files are.
fn elsewhere(store: &Path, why: &Error, tell: &mut dyn FnMut(&Check) -> Result<()>) -> Result<()> {
    let is_there = home::for_reading().is_ok_and(|home| home.is_some());
    let other = std::env::temp_dir();
    let found = format!(
        "nothing can be tried at the store: {why}; what follows is of '{}'",
        other.display()
    );
    tell(&match is_there {
        true => Check::skipped("file system", found),
        false => Check::fails(
            "file system",
            found,
            "no store can be made there; VRIFT_HOME names another place",
        ),
    })?;
    match Scratch::at(&other.join("store-of-doctor")) {
        Ok(scratch) if other != store => tried(&scratch, tell),
        _ => Ok(()),
    }
}

fn tried(scratch: &Scratch, tell: &mut dyn FnMut(&Check) -> Result<()>) -> Result<()> {
    const NEEDED: &str = "no store works here";
    let mut each = |name: &'static str, done: Result<Check>| {
        interrupt::check()?;
        match done {
            Err(error) if error.is_interruption() => Err(error),
            Err(error) => tell(&Check::fails(name, error.to_string(), NEEDED)),
            Ok(check) => tell(&check),
        }
    };
    each("content", store::content(scratch))?;
    each("journal", memory::journal(scratch))?;
    each("robust lock", memory::lock(scratch))?;
    each("leases", files::leases(scratch))?;
    each("reflinks", files::reflinks(scratch))?;
    each("exchange", files::exchange(scratch))?;
    each("nameless files", files::nameless(scratch))?;

    let native = compile::natively(scratch)?;
    if let Err(check) = programs::ingest(scratch)? {
        return tell(&check);
    }
    programs::empty(scratch)?;
    let preloaded = programs::preloaded(scratch)?;
    tell(&preloaded)?;
    if preloaded.outcome == Outcome::Fails {
        return Ok(());
    }
    for check in programs::answered(scratch)? {
        tell(&check)?;
    }
    match native {
        Err(check) => tell(&check),
        Ok(native) => compile::in_workspace(scratch, &native)?.iter().try_for_each(tell),
    }
}

/// What the kernel tells of processes.
fn proc() -> Check {
    const NAME: &str = "/proc";
    let own = std::fs::read_link("/proc/self/exe").and_then(|_| std::fs::read_dir("/proc/self/fd"));
    let maps = std::fs::read_to_string("/proc/self/maps");
    match own.map(drop).and(maps.map(drop)) {
        Ok(()) => Check::works(NAME, "the kernel tells what processes have open and mapped"),
        Err(why) => Check::fails(
            NAME,
            why.to_string(),
            "`vrift run` finds neither its library nor who still writes; mount /proc",
        ),
    }
}
