//! Reads every blob of a store and says what is wrong, and how fast that went: `verify STORE`.

use std::time::Instant;

use vrift_cas::{Found, Store, Verdict};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args_os().nth(1).ok_or("usage: verify STORE")?;
    let store = Store::open_read_only(root)?;
    let begun = Instant::now();
    let (mut blobs, mut bytes, mut wrong) = (0u64, 0u64, 0u64);
    for found in store.blobs()? {
        match found? {
            Found::Blob(blob) => {
                match store.verify(&blob.digest)? {
                    Verdict::Sound { size } => bytes += size,
                    verdict => {
                        wrong += 1;
                        println!("{}: {verdict:?}", blob.digest);
                    }
                }
                blobs += 1;
            }
            Found::Stray(path) => {
                wrong += 1;
                println!("{}: does not belong here", path.display());
            }
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let rate = bytes as f64 / seconds / f64::from(1 << 30);
    println!("{blobs} blobs, {bytes} bytes, {wrong} wrong: {seconds:.2} s, {rate:.2} GiB/s");
    let left = store.stale_staging()?;
    println!("{} files ({} bytes) of dead processes", left.files, left.bytes);
    if wrong == 0 { Ok(()) } else { Err("damage".into()) }
}
