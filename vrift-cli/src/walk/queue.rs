//! The work that is left, shared by several threads.
//!
//! One stack for all: what was found last is done first, so few directories are open at a time and files are read
//! while their directory's entries are still in the cache. A task is a directory or a batch of files, tens of
//! microseconds at least, so the lock is not where time goes.

use crate::interrupt;
use std::sync::{Condvar, Mutex, PoisonError};

struct State<T> {
    tasks: Vec<T>,
    /// Threads that have a task, and so may still add some.
    busy: usize,
    waiting: usize,
    stopped: bool,
}

/// A stack of tasks that knows when the last one is done.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

impl<T> Queue<T> {
    /// A stack with the first tasks.
    pub fn new(tasks: Vec<T>) -> Queue<T> {
        let state = State { tasks, busy: 0, waiting: 0, stopped: false };
        Queue { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Whether nothing is left to be taken.
    pub fn is_empty(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tasks.is_empty()
    }

    /// Adds tasks; the last of them is done first.
    pub fn push(&self, tasks: impl IntoIterator<Item = T>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.tasks.len();
        state.tasks.extend(tasks);
        let added = state.tasks.len() - before;
        for _ in 0..added.min(state.waiting) {
            self.changed.notify_one();
        }
    }

    /// Works on tasks until none is left and none can come any more, or someone stops it.
    pub fn work(&self, mut work: impl FnMut(T)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped || interrupt::came().is_some() {
                // Those who wait are to see it, too.
                state.stopped = true;
                state.tasks.clear();
                self.changed.notify_all();
                return;
            }
            if let Some(task) = state.tasks.pop() {
                state.busy += 1;
                drop(state);
                work(task);
                state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.busy -= 1;
            } else if state.busy == 0 {
                self.changed.notify_all();
                return;
            } else {
                state.waiting += 1;
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.waiting -= 1;
            }
        }
    }

    /// Lets all threads stop after the task they are at.
    pub fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopped = true;
        state.tasks.clear();
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn every_task_is_done_once_also_those_added_meanwhile() {
        let (queue, sum) = (Queue::new(vec![12_u32]), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    queue.work(|depth| {
                        sum.fetch_add(1, Ordering::Relaxed);
                        queue.push((0..2).filter(|_| depth > 0).map(|_| depth - 1));
                    });
                });
            }
        });
        assert_eq!(sum.into_inner(), (1 << 13) - 1);
    }

    #[test]
    fn a_stop_ends_all_threads() {
        let queue = Queue::new(vec![()]);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    queue.work(|()| {
                        queue.push([(), ()]);
                        queue.stop();
                    });
                });
            }
        });
    }
}
