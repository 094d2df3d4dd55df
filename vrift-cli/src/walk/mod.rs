//! Going through real directories with several threads: what reading and writing a tree have in common.

mod directory;
mod queue;

pub(crate) use directory::{Budget, Directory};
pub(crate) use queue::Queue;

/// How many threads to use: as many as there are processors, but at least two, as one often waits for the disk.
pub(crate) fn threads(wanted: Option<usize>) -> usize {
    let threads = wanted.unwrap_or_else(|| {
        std::thread::available_parallelism().map_or(2, |threads| threads.get().max(2))
    });
    threads.clamp(1, 1024)
}
