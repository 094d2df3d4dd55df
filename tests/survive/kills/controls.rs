//! Whether the checks would notice. A store in which something is changed behind its back has to be found wrong.

use std::fs;

use vrift_tests::damage;

use super::operations::Operation;
use super::world::{World, text};
use crate::project::Outputs;
use crate::said;

/// What is done to a store, and which check has to notice it.
type Control =
    (&'static str, fn(&mut World) -> Result<(), String>, fn(&World) -> Result<(), String>);

const CONTROLS: &[Control] = &[
    ("a byte of a stored source is another one", flip, World::fsck),
    ("a stored source is gone", remove, World::fsck),
    ("a program sees another byte", flip, World::look_at_sources),
    ("a finished output is that of an earlier build", revert, |world| {
        world.check_build(&[], 2, false).map(drop)
    }),
    ("an acknowledged snapshot is gone", forget, |world| world.check("-")),
    ("a workspace that nobody works on has changed", change, |world| world.check("-")),
    ("a workspace that nobody works on is gone", lose, |world| world.check("-")),
];

/// Each control has to be noticed, and before it nothing.
pub fn bite(outputs: &Outputs) -> Result<(), String> {
    for (what, spoil, notice) in CONTROLS {
        let mut world = World::new(outputs)?;
        world.check("-")?;
        world.fsck()?;
        world.look()?;
        world.look_at_sources()?;
        spoil(&mut world)?;
        match notice(&world) {
            Ok(()) => return Err(format!("{what}, and nothing notices it")),
            Err(why) => {
                let why = why.lines().next().unwrap_or_default();
                println!("control: {what}: noticed ({why:.90})");
            }
        }
    }
    Ok(())
}

fn source(world: &World) -> Result<Vec<u8>, String> {
    fs::read(world.path("project/part3.c")).map_err(text)
}

fn flip(world: &mut World) -> Result<(), String> {
    let blob = damage::blob_of(&world.sandbox, &source(world)?);
    damage::change(&blob, |bytes| bytes[20] ^= 1);
    Ok(())
}

fn remove(world: &mut World) -> Result<(), String> {
    let blob = damage::blob_of(&world.sandbox, &source(world)?);
    fs::remove_file(blob).map_err(text)
}

/// Two builds as they have to be, and then one output as it was between them.
fn revert(world: &mut World) -> Result<(), String> {
    for behind in ["cp prog \"$LOG.kept\"", "cat \"$LOG.kept\" > prog"] {
        let build = Operation::Build(Vec::new(), world.next_round());
        let at = world.path("project");
        said::ok(&world.sandbox, &at, &words(&build.words(world)))?;
        build.judge(world, None, true)?;
        said::ok(&world.sandbox, &at, &["run", "-w", "w", "--", "sh", "-ec", behind])?;
    }
    Ok(())
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn forget(world: &mut World) -> Result<(), String> {
    world.ok(&["drop", "w@begun"]).map(drop)
}

fn change(world: &mut World) -> Result<(), String> {
    let words = ["run", "-w", "other", "--", "sh", "-c", "echo >> Makefile"];
    said::ok(&world.sandbox, &world.path("project"), &words).map(drop)
}

fn lose(world: &mut World) -> Result<(), String> {
    world.ok(&["drop", "other"]).map(drop)
}
