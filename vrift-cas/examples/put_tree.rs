//! Puts every file below a directory into a store, from a number of threads, and says how long that took:
//! `put_tree STORE DIRECTORY [THREADS]`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use vrift_cas::{Store, StoreError};

fn files(directory: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn put(store: &Store, paths: &[PathBuf], next: &AtomicUsize) -> Result<(u64, u64), StoreError> {
    let (mut bytes, mut new) = (0, 0);
    while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
        let file = std::fs::File::open(path).map_err(StoreError::Source)?;
        let put = store.put_file(&file)?;
        bytes += put.size;
        new += u64::from(put.new);
    }
    Ok((bytes, new))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [root, directory, rest @ ..] = arguments.as_slice() else {
        return Err("usage: put_tree STORE DIRECTORY [THREADS]".into());
    };
    let threads = match rest {
        [number, ..] => number.to_string_lossy().parse()?,
        [] => 2,
    };
    let mut paths = Vec::new();
    files(Path::new(directory), &mut paths)?;
    let store = Store::create_or_open(root)?;
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let work = store.begin()?;
    let (mut bytes, mut new) = (0, 0);
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| put(&store, &paths, &next))).collect();
        for worker in workers {
            let (more, written) = worker.join().map_err(|_| "a thread panicked")??;
            bytes += more;
            new += written;
        }
        Ok::<(), Box<dyn std::error::Error>>(())
    })?;
    let put = begun.elapsed();
    store.sync()?;
    drop(work);
    let synced = begun.elapsed();
    let each = put.as_secs_f64() * 1e6 / paths.len().max(1) as f64;
    println!(
        "{} files, {bytes} bytes, {new} new, {threads} threads: {put:.2?} ({each:.1} us a file), with sync {synced:.2?}",
        paths.len()
    );
    Ok(())
}
