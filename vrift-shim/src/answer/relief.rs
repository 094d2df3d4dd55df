//! One thread answers for all that a static program has started, as long as each call takes a moment. Another takes its place
//! - before it waits for a program below a covered one, which has the workspace's lock or is sealing a file: what that asks
//!   the kernel is told, too;
//! - when it has been at one call for long (a large copy, a disk that is slow, memory that comes from elsewhere): others need
//!   not wait for that. Who asks waits for its own call alone, so nothing comes in another order by it.
//!
//! It ends when its own call is answered. So at any time one thread takes up calls, and there are as many more as there are calls
//! that take long. That is seen by one thread for the whole run, which looks at times, and sleeps while nobody asks.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use vrift_manifest::waiting;

/// Starts another thread for the same listener; whether it could.
pub type Relieve = Box<dyn Fn() -> bool + Send + Sync>;

/// A thread that takes up calls, or is to end when it has answered the one it has.
pub struct Duty {
    relieve: Relieve,
    /// How often it has taken up a call or answered one: odd while it has one.
    steps: AtomicU64,
    /// The same, when somebody looked last.
    looked: AtomicU64,
    place: AtomicU8,
}

/// Whose the listener is: this thread's; another is being started; another's.
const ITS_OWN: u8 = 0;
const GOING: u8 = 1;
const GONE: u8 = 2;

thread_local! {
    static DUTY: RefCell<Option<Arc<Duty>>> = const { RefCell::new(None) };
}

/// All of them.
static ON_DUTY: Mutex<Vec<Arc<Duty>>> = Mutex::new(Vec::new());

fn all() -> MutexGuard<'static, Vec<Arc<Duty>>> {
    ON_DUTY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This thread's duty, which ends with this.
pub struct OnDuty(Arc<Duty>);

impl OnDuty {
    /// This thread answers from here on, and whoever takes its place is started by `relieve`, as long as this is there.
    pub fn new(relieve: Relieve) -> OnDuty {
        let duty = Arc::new(Duty {
            relieve,
            steps: AtomicU64::new(0),
            looked: AtomicU64::new(0),
            place: AtomicU8::new(ITS_OWN),
        });
        DUTY.set(Some(duty.clone()));
        all().push(duty.clone());
        waiting::before(waits);
        watch();
        OnDuty(duty)
    }

    /// Whether it is to take up the next call.
    pub fn goes_on(&self) -> bool {
        loop {
            match self.0.place.load(Ordering::Acquire) {
                ITS_OWN => return true,
                GONE => return false,
                _ => thread::yield_now(),
            }
        }
    }

    /// It has taken up a call, or answered it.
    pub fn step(&self) {
        self.0.steps.fetch_add(1, Ordering::SeqCst);
        if SLEEPS.load(Ordering::SeqCst) {
            wake();
        }
    }
}

impl Drop for OnDuty {
    fn drop(&mut self) {
        DUTY.set(None);
        all().retain(|duty| !Arc::ptr_eq(duty, &self.0));
    }
}

impl Duty {
    fn is_at_a_call(&self) -> bool {
        let is_its_own = self.place.load(Ordering::Acquire) == ITS_OWN;
        is_its_own && self.steps.load(Ordering::SeqCst) % 2 == 1
    }

    /// Has another thread take its place.
    fn hand_over(&self) {
        let (from, to) = (ITS_OWN, GOING);
        let begun = self.place.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        if begun.is_ok() {
            let place = if (self.relieve)() { GONE } else { ITS_OWN };
            self.place.store(place, Ordering::Release);
        }
    }
}

/// This thread is about to wait.
fn waits() {
    let duty = DUTY.with_borrow(Option::clone);
    if let Some(duty) = duty {
        duty.hand_over();
    }
}

/// How long a call may take before another thread goes on with the next ones, at least.
const LONG: Duration = Duration::from_millis(20);

/// After so many looks at which nothing had happened nobody looks any more.
const QUIET: u32 = 10;

/// Nobody looks, until a call is taken up.
static SLEEPS: AtomicBool = AtomicBool::new(false);
static WATCH: OnceLock<Option<Thread>> = OnceLock::new();

fn watch() {
    WATCH.get_or_init(|| {
        let watch = thread::Builder::new().name("watch".to_owned()).stack_size(64 << 10);
        watch.spawn(look_on).ok().map(|handle| handle.thread().clone())
    });
}

#[cold]
fn wake() {
    if SLEEPS.swap(false, Ordering::SeqCst)
        && let Some(Some(watch)) = WATCH.get()
    {
        watch.unpark();
    }
}

fn look_on() {
    let mut quiet = 0;
    loop {
        thread::sleep(LONG);
        quiet = if look() { 0 } else { quiet + 1 };
        if quiet < QUIET {
            continue;
        }
        SLEEPS.store(true, Ordering::SeqCst);
        // Who takes up a call from here on sees that; who has done so is seen here.
        if all().iter().any(|duty| duty.is_at_a_call()) {
            SLEEPS.store(false, Ordering::SeqCst);
        }
        while SLEEPS.load(Ordering::SeqCst) {
            thread::park();
        }
        quiet = 0;
    }
}

/// Relieves who has been at one call since the last look; whether anything has happened since.
fn look() -> bool {
    let mut moves = false;
    for duty in all().iter() {
        let steps = duty.steps.load(Ordering::SeqCst);
        if duty.looked.swap(steps, Ordering::Relaxed) != steps {
            moves = true;
        } else if duty.is_at_a_call() {
            duty.hand_over();
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, mpsc};

    use super::{OnDuty, look};

    #[test]
    fn who_is_at_one_call_for_long_is_relieved_once() {
        let (tells, told) = mpsc::channel();
        let duty = OnDuty::new(Box::new(move || tells.send(()).is_ok()));
        duty.step();
        told.recv().unwrap();
        for _ in 0..5 {
            look();
        }
        assert!(!duty.goes_on());
        assert!(told.try_recv().is_err());
        drop(duty);
        assert!(told.recv().is_err(), "nobody can relieve it any more");
    }

    #[test]
    fn who_cannot_be_relieved_goes_on_until_it_can() {
        let asked = Arc::new(AtomicU32::new(0));
        let duty = {
            let asked = asked.clone();
            OnDuty::new(Box::new(move || asked.fetch_add(1, Ordering::Relaxed) > 0))
        };
        duty.0.hand_over();
        assert!(duty.goes_on());
        duty.0.hand_over();
        assert!(!duty.goes_on());
        duty.0.hand_over();
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
