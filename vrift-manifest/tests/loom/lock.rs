//! The lock's word: one owner at a time, whoever dies, and nobody sleeps for ever.

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

mod atomics {
    pub use loom::sync::atomic::{AtomicU32, Ordering};
}

#[path = "../../src/shm/protocol.rs"]
mod protocol;

use protocol::{OWNER, OWNER_DIED, WAITERS, acquire, release};

/// The kernel's part: sleepers on the word, and what becomes of it when a thread dies.
struct Futex {
    word: AtomicU32,
    asleep: Mutex<u32>,
    woken: Condvar,
    /// What the lock protects: loom fails if two threads are here at once.
    data: UnsafeCell<u32>,
}

/// How long a thread sleeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sleep {
    /// Until it is woken: loom reports it if that never happens.
    Long,
    /// Until it is woken, or another thread has come to its end: a sleep that ends by itself, only less often.
    Short,
}

/// Where a thread dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    Never,
    /// With the lock in its hand.
    Holding,
    /// After it gave the word back, before it woke anybody.
    Releasing,
    /// Awake again after a sleep, before it took the word.
    Woken,
}

impl Futex {
    fn new() -> Arc<Futex> {
        Arc::new(Futex {
            word: AtomicU32::new(0),
            asleep: Mutex::new(0),
            woken: Condvar::new(),
            data: UnsafeCell::new(0),
        })
    }

    /// Compares and falls asleep in one step, as the kernel does it under its own lock.
    fn wait(&self, value: u32) {
        let mut asleep = self.asleep.lock().expect("no poison");
        if self.word.load(Ordering::SeqCst) == value {
            *asleep += 1;
            drop(self.woken.wait(asleep).expect("no poison"));
        }
    }

    fn wake_all(&self) {
        *self.asleep.lock().expect("no poison") = 0;
        self.woken.notify_all();
    }

    fn wake_one(&self) {
        let mut asleep = self.asleep.lock().expect("no poison");
        if *asleep > 0 {
            *asleep -= 1;
            self.woken.notify_one();
        }
    }

    /// What Linux does for a dead thread whose `list_op_pending` leads to the word (`handle_futex_death`).
    fn thread_died(&self, me: u32) {
        let mut seen = self.word.load(Ordering::SeqCst);
        loop {
            if seen & OWNER == 0 {
                return self.wake_one();
            }
            if seen & OWNER != me {
                return;
            }
            let marked = seen & WAITERS | OWNER_DIED;
            match self.word.compare_exchange(seen, marked, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        if seen & WAITERS != 0 {
            self.wake_one();
        }
    }

    fn run(&self, me: u32, death: Death, sleep: Sleep) -> u32 {
        let learnt = self.work(me, death);
        if sleep == Sleep::Short {
            self.wake_all();
        }
        learnt.into()
    }

    /// One thread's work; whether it learnt that the owner before it had died.
    fn work(&self, me: u32, death: Death) -> bool {
        // A thread that dies before it has the word never comes back from `acquire`: this stands for it.
        struct Killed;
        let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            acquire(&self.word, me, |seen| {
                self.wait(seen);
                if death == Death::Woken {
                    std::panic::resume_unwind(Box::new(Killed));
                }
            })
        }));
        let Ok(died) = taken else {
            self.thread_died(me);
            return false;
        };
        // Loom's cell checks that nobody else is here.
        self.data.with_mut(|data| std::hint::black_box(data));
        match death {
            Death::Holding => self.thread_died(me),
            Death::Releasing => {
                release(&self.word, || self.thread_died(me));
            }
            Death::Never | Death::Woken => release(&self.word, || self.wake_one()),
        }
        died
    }
}

/// Runs one thread for each of `deaths`; how many learnt of a death.
fn run(deaths: &'static [Death], sleep: Sleep) {
    let mut model = loom::model::Builder::new();
    // Exhaustive for two threads.
    model.preemption_bound = if deaths.len() > 2 { Some(3) } else { None };
    model.check(move || {
        let futex = Futex::new();
        let mut threads = vec![];
        for (number, &death) in (2..).zip(&deaths[1..]) {
            let futex = Arc::clone(&futex);
            threads.push(thread::spawn(move || futex.run(number, death, sleep)));
        }
        let mut learnt = futex.run(1, deaths[0], sleep);
        for thread in threads {
            learnt += thread.join().expect("no thread failed");
        }
        // Every death with the lock was told to the next owner, and to nobody else.
        let left = u32::from(futex.word.load(Ordering::SeqCst) & OWNER_DIED != 0);
        let died = deaths.iter().filter(|death| **death == Death::Holding).count();
        assert_eq!(learnt + left, died as u32);
    });
}

#[test]
fn threads_are_never_in_at_once_and_none_sleeps_for_ever() {
    run(&[Death::Never; 2], Sleep::Long);
    run(&[Death::Never; 3], Sleep::Long);
}

#[test]
fn a_death_with_the_lock_is_told_to_the_next_owner_and_wakes_one() {
    run(&[Death::Holding, Death::Never], Sleep::Long);
    run(&[Death::Never, Death::Holding, Death::Never], Sleep::Long);
    run(&[Death::Holding, Death::Holding, Death::Never], Sleep::Long);
}

#[test]
fn a_death_between_giving_back_and_waking_or_after_being_woken_wakes_the_other_one() {
    run(&[Death::Releasing, Death::Never], Sleep::Long);
    run(&[Death::Never, Death::Woken], Sleep::Long);
}

/// With a third thread that takes the free word at the wrong moment and does not know of the sleeper, the same deaths
/// lose a wake-up, as loom shows with [`Sleep::Long`]. So nobody sleeps for long.
#[test]
fn with_short_sleeps_no_death_holds_anybody_up() {
    run(&[Death::Releasing, Death::Never, Death::Never], Sleep::Short);
    run(&[Death::Woken, Death::Never, Death::Never], Sleep::Short);
    run(&[Death::Holding, Death::Releasing, Death::Never], Sleep::Short);
}
