//! Figures that have no native counterpart.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use vrift_cas::Store;
use vrift_manifest::workspace::{Home, Workspace};

use crate::measure::{environment, shell, spread};
use crate::{Options, generate};

/// Lines of the table.
pub fn all(room: &Path, options: &Options) -> io::Result<Vec<String>> {
    let mut lines = vec![fsck(room, options)?];
    fs::remove_dir_all(room.join("store"))?;
    let store = room.join("store");
    generate::workspace(&store, "small", 10)?;
    generate::workspace(&store, "large", options.large)?;
    for verb in ["fork", "snapshot"] {
        lines.push(constant(verb, room, options)?);
    }
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.arg("--probe-open").arg(&store).arg("large");
    let said = command.output()?;
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    lines.push(format!(
        "| opening a workspace of {} files | {said} | < 1 ms, < 2048 KiB |",
        options.large
    ));
    Ok(lines)
}

/// Large contents, in the page cache: what is measured is reading and hashing.
fn fsck(room: &Path, options: &Options) -> io::Result<String> {
    shell(
        "rm -rf store big; mkdir big; for n in 1 2 3 4; do head -c 256M /dev/urandom > big/$n; done; $V ingest big; cat store/blobs/*/* | wc -c",
        room,
        options,
    )?;
    let mut rates = Vec::new();
    for _ in 0..options.rounds {
        let before = children_seconds()?;
        shell("$V fsck", room, options)?;
        // By the time of the processors, so that it is the rate of one of them.
        rates.push(1.0 / (children_seconds()? - before));
    }
    let [least, median, most] = spread(&mut rates);
    Ok(format!(
        "| fsck of 1 GiB in 4 contents, GiB a second and core | {median:.2} ({least:.2} .. {most:.2}) | >= 1 |"
    ))
}

/// Seconds of processor time that finished children have used.
fn children_seconds() -> io::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok());
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Ok((ticks(13).unwrap_or(0.0) + ticks(14).unwrap_or(0.0)) / per_second)
}

/// The same number of system calls for ten files and for many.
fn constant(verb: &str, room: &Path, options: &Options) -> io::Result<String> {
    let mut calls = Vec::new();
    for name in ["small", "large"] {
        // Opened once before: what is measured is the fork, not the first use.
        shell(
            &format!("$V ls {name} >/dev/null; $V {verb} {name} {name}-{verb}-0"),
            room,
            options,
        )?;
        let mut command = Command::new("strace");
        let output = room.join("strace");
        command.args(["-f", "-o"]).arg(&output).arg(&options.vrift);
        command.args([verb, name, &format!("{name}-{verb}-1")]).current_dir(room);
        match environment(&mut command, room, options).output() {
            Ok(done) if done.status.success() => {
                calls.push(fs::read_to_string(&output)?.lines().count().to_string());
            }
            _ => calls.push("no strace".to_owned()),
        }
    }
    let mut times = Vec::new();
    for number in 0..options.rounds {
        let line = format!("$V {verb} large large-{verb}-t{number}");
        times.push(shell(&line, room, options)? * 1_000.0);
    }
    let [least, median, most] = spread(&mut times);
    let (small, large) = (&calls[0], &calls[1]);
    Ok(format!(
        "| {verb}: system calls for 10 and {} files; time of the command | {small} and {large}; {median:.1} ms ({least:.1} .. {most:.1}) | the same; < 10 ms |",
        options.large
    ))
}

/// In a process of its own: what opening a workspace adds to its private memory.
pub fn open_memory(store: &Path, name: &str) -> io::Result<()> {
    let store = Store::open(store).map_err(io::Error::other)?;
    let home = Home::new(Arc::new(store), &[std::path::PathBuf::from("/dev/shm")]);
    drop(Workspace::open(&home, name).map_err(io::Error::other)?);
    let before = private_kib()?;
    let begun = Instant::now();
    let workspace = Workspace::open(&home, name).map_err(io::Error::other)?;
    let root = workspace.tree().root();
    let children = workspace.tree().children(root).map_err(io::Error::other)?.count();
    let micros = begun.elapsed().as_micros();
    println!(
        "{micros} us, {} KiB of private memory ({children} entries listed)",
        private_kib()?.saturating_sub(before)
    );
    Ok(())
}

fn private_kib() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/self/smaps_rollup")?;
    let lines = text.lines().filter(|line| line.starts_with("Private_"));
    Ok(lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum())
}
