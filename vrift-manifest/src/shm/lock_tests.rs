//! The lock against the kernel: owners that die in every way, signals, waiters.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::lock::{LockError, with_lock};
use super::protocol::{OWNER, OWNER_DIED, WAITERS};
use super::region::Region;
use super::sys::{self, RobustHead};

/// A lock word that forked children share, and words for them to say something in.
struct Shared {
    region: Region,
    _file: tempfile::NamedTempFile,
}

impl Shared {
    fn new() -> Shared {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(4096).expect("room");
        let region = Region::of_file(file.path(), 512, true).expect("mapped");
        Shared { region, _file: file }
    }

    fn lock(&self) -> &AtomicU32 {
        self.region.futex(0).expect("the first word")
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        self.region.word(at).expect("a word")
    }

    /// Whether the owner before us died.
    fn take(&self) -> bool {
        with_lock(self.lock(), |held| held.owner_died).expect("free")
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `child` in a forked process, which never returns. Its number.
fn fork(child: impl FnOnce()) -> i32 {
    // SAFETY: the child calls nothing but what `child` does: system calls and atomics, no allocation, no lock of libc.
    match unsafe { libc::fork() } {
        0 => {
            child();
            // SAFETY: ends the process without running anything of the parent's.
            unsafe { libc::_exit(0) }
        }
        pid => {
            assert!(pid > 0, "fork failed");
            pid
        }
    }
}

fn reap(pid: i32) -> i32 {
    let mut status = 0;
    // SAFETY: a live local for the status.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) }, pid);
    status
}

fn kill(pid: i32) {
    // SAFETY: no memory is involved.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
    assert!(libc::WIFSIGNALED(reap(pid)));
}

/// Sleeps until it is killed.
fn for_ever() {
    loop {
        // SAFETY: no memory is involved.
        unsafe { libc::pause() };
    }
}

fn kill_self() {
    // SAFETY: no memory is involved.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    for_ever();
}

#[test]
fn the_next_owner_learns_that_a_killed_one_held_the_lock_and_the_one_after_it_does_not() {
    let shared = Shared::new();
    let pid = fork(|| {
        let _ = with_lock(shared.lock(), |_| {
            shared.word(1).store(1, Ordering::SeqCst);
            for_ever();
        });
    });
    wait_until("the child has the lock", || shared.word(1).load(Ordering::SeqCst) == 1);
    assert_eq!(shared.lock().load(Ordering::SeqCst), pid as u32);
    kill(pid);
    assert_eq!(shared.lock().load(Ordering::SeqCst), OWNER_DIED);
    assert!(shared.take());
    assert!(!shared.take());
    assert_eq!(shared.lock().load(Ordering::SeqCst), 0);
}

#[test]
fn the_death_of_a_thread_without_a_robust_list_is_noticed_too() {
    let shared = Shared::new();
    let pid = fork(|| {
        // SAFETY: no list at all is a list that stays valid.
        unsafe { sys::set_robust_head(core::ptr::null_mut()) };
        // Once in peace: afterwards there must be none again.
        let _ = with_lock(shared.lock(), |_| {
            shared.word(1).store(u64::from(sys::robust_head().is_null()), Ordering::SeqCst);
        });
        shared.word(2).store(u64::from(sys::robust_head().is_null()), Ordering::SeqCst);
        let _ = with_lock(shared.lock(), |_| kill_self());
    });
    assert!(libc::WIFSIGNALED(reap(pid)));
    assert_eq!(shared.word(1).load(Ordering::SeqCst), 0, "a list while the lock is held");
    assert_eq!(shared.word(2).load(Ordering::SeqCst), 1, "none afterwards");
    assert!(shared.take());
}

#[test]
fn a_thread_of_another_namespace_with_the_same_number_is_waited_for() {
    let shared = Shared::new();
    let me = sys::thread_id();
    // What one there leaves in the word is this number.
    shared.lock().store(me, Ordering::SeqCst);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let word = shared.lock();
            wait_until("somebody waits", || word.load(Ordering::SeqCst) == me | WAITERS);
            assert_eq!(word.swap(0, Ordering::SeqCst), me | WAITERS);
            sys::futex_wake_one(word);
        });
        assert!(!shared.take(), "nobody died");
    });
    let inner = with_lock(shared.lock(), |_| with_lock(shared.lock(), |_| ()));
    assert_eq!(inner, Ok(Err(LockError::Recursive)));
    assert!(!shared.take());
}

#[test]
fn the_death_of_who_waits_for_one_with_the_same_number_is_not_taken_for_the_owners() {
    let shared = Shared::new();
    let pid = fork(|| {
        shared.lock().store(sys::thread_id(), Ordering::SeqCst);
        let _ = with_lock(shared.lock(), |_| ());
    });
    let waited_for = pid as u32 | WAITERS;
    wait_until("it waits", || shared.lock().load(Ordering::SeqCst) == waited_for);
    kill(pid);
    assert_eq!(shared.lock().load(Ordering::SeqCst), waited_for, "the owner is alive");
}

extern "C" fn die_with_the_lock(shared: *mut libc::c_void) -> i32 {
    // SAFETY: the parent keeps it alive; it is suspended until this child is gone.
    let shared = unsafe { &*shared.cast::<Shared>() };
    let _ = with_lock(shared.lock(), |_| kill_self());
    0
}

extern "C" fn lock_and_leave(shared: *mut libc::c_void) -> i32 {
    // SAFETY: as above.
    let shared = unsafe { &*shared.cast::<Shared>() };
    let learnt = with_lock(shared.lock(), |held| held.owner_died);
    shared.word(1).store(u64::from(learnt == Ok(false)) + 1, Ordering::SeqCst);
    0
}

/// Runs `child` as vfork does: in this memory, with this thread's variables, on a stack of its own, while the
/// caller waits.
fn vfork(shared: &Shared, child: extern "C" fn(*mut libc::c_void) -> i32) -> i32 {
    let mut stack = vec![0u64; 32 << 10];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let argument: *const Shared = shared;
    // SAFETY: the stack outlives the child, for which the call waits; its end is aligned to 16 bytes.
    let pid = unsafe {
        let top = stack.as_mut_ptr_range().end.cast::<libc::c_void>();
        let top = top.wrapping_sub(top as usize % 16);
        libc::clone(child, top, flags, argument.cast_mut().cast())
    };
    assert!(pid > 0, "clone failed");
    reap(pid)
}

#[test]
fn the_death_of_a_vfork_child_is_noticed_and_the_parent_goes_on_as_before() {
    let shared = Shared::new();
    // The parent's list is known by now, and must not be taken for the child's.
    assert!(!shared.take());
    let before = sys::robust_head();
    assert!(libc::WIFSIGNALED(vfork(&shared, die_with_the_lock)));
    assert_eq!(shared.lock().load(Ordering::SeqCst) & !WAITERS, OWNER_DIED);
    assert!(shared.take());
    let status = vfork(&shared, lock_and_leave);
    assert!(libc::WIFEXITED(status));
    assert_eq!(shared.word(1).load(Ordering::SeqCst), 2);
    assert_eq!(sys::robust_head(), before);
    assert!(!shared.take());
    // And it is noticed of the parent itself, after the child used the same variables.
    let pid = fork(|| {
        vfork(&shared, lock_and_leave);
        let _ = with_lock(shared.lock(), |_| kill_self());
    });
    assert!(libc::WIFSIGNALED(reap(pid)));
    assert!(shared.take());
}

#[test]
fn a_thread_that_ends_with_the_lock_is_noticed_though_its_process_lives() {
    let shared = Shared::new();
    let pid = fork(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = with_lock(shared.lock(), |_| {
                    shared.word(1).store(1, Ordering::SeqCst);
                    // SAFETY: ends this thread and nothing else.
                    unsafe { libc::syscall(libc::SYS_exit, 0) };
                });
            });
            for_ever();
        });
    });
    wait_until("the thread has the lock", || shared.word(1).load(Ordering::SeqCst) == 1);
    assert!(shared.take());
    kill(pid);
}

#[test]
fn what_the_host_announced_to_the_kernel_is_put_back() {
    let shared = Shared::new();
    let head = sys::robust_head();
    assert!(!head.is_null(), "libc registers one for each thread");
    let pending = || {
        // SAFETY: this thread's own head, which libc keeps alive as long as the thread.
        unsafe { (&raw const (*head).pending).read_volatile() }
    };
    let announce = |entry: *mut u8| {
        // SAFETY: as above; only the kernel reads it, when this thread dies, and it does not die here.
        unsafe { (&raw mut (*head).pending).write_volatile(entry) }
    };
    let mut entry = [0u64; 8];
    announce(entry.as_mut_ptr().cast());
    let inside = with_lock(shared.lock(), |_| pending()).expect("free");
    let after = pending();
    announce(core::ptr::null_mut());
    assert_eq!(after, entry.as_mut_ptr().cast());
    assert_ne!(inside, after);
    // The kernel finds the word from there.
    // SAFETY: as above.
    let offset = unsafe { (*head).futex_offset };
    assert_eq!(inside.wrapping_offset(offset), shared.lock().as_ptr().cast());
}

#[test]
fn a_list_of_our_own_leads_back_to_itself_so_that_the_kernel_finds_its_end() {
    let shared = Shared::new();
    let pid = fork(|| {
        // SAFETY: none is fine.
        unsafe { sys::set_robust_head(core::ptr::null_mut()) };
        let _ = with_lock(shared.lock(), |_| {
            let head = sys::robust_head();
            // SAFETY: registered just now, on the stack of our caller.
            let list: *mut RobustHead = unsafe { (*head).list };
            shared.word(1).store(1 + u64::from(list == head), Ordering::SeqCst);
        });
    });
    reap(pid);
    assert_eq!(shared.word(1).load(Ordering::SeqCst), 2);
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: i32) {
    HANDLED.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn signals_wait_while_the_lock_is_held_and_the_mask_is_as_it_was_afterwards() {
    let shared = Shared::new();
    let blocked = |signal: i32| {
        // SAFETY: a zeroed set is one, and it is a live local.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, core::ptr::null(), &raw mut set);
            libc::sigismember(&raw const set, signal) == 1
        }
    };
    // SAFETY: the handler only adds to an atomic; the set is a live local.
    unsafe {
        libc::signal(libc::SIGUSR1, count as *const () as libc::sighandler_t);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigaddset(&raw mut set, libc::SIGUSR2);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, core::ptr::null_mut());
    }
    let inside = with_lock(shared.lock(), |_| {
        // SAFETY: no memory is involved.
        unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGUSR1) };
        let all = (1..64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal));
        // 32 and 33 are libc's own, which it does not tell of.
        let all = all.filter(|signal| ![32, 33].contains(signal));
        (HANDLED.load(Ordering::SeqCst), all.clone().filter(|&s| blocked(s)).eq(all))
    });
    assert_eq!(inside, Ok((0, true)));
    assert_eq!(HANDLED.load(Ordering::SeqCst), 1, "it came when the lock was given back");
    assert!(blocked(libc::SIGUSR2) && !blocked(libc::SIGUSR1));
}

#[test]
fn taking_it_twice_is_refused_and_the_first_taking_goes_on() {
    let shared = Shared::new();
    let twice = with_lock(shared.lock(), |_| with_lock(shared.lock(), |_| ()));
    assert_eq!(twice, Ok(Err(LockError::Recursive)));
    assert!(!shared.take());
}

#[test]
fn a_panic_gives_the_lock_back() {
    let shared = Shared::new();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = with_lock(shared.lock(), |_| std::panic::resume_unwind(Box::new(())));
    }));
    assert!(panicked.is_err());
    assert!(!shared.take());
}

#[test]
fn many_threads_and_processes_take_turns_and_none_is_lost() {
    const EACH: u64 = 2_000;
    let shared = Shared::new();
    let work = |shared: &Shared| {
        for _ in 0..EACH {
            let _ = with_lock(shared.lock(), |held| {
                assert!(!held.owner_died);
                // Not one step, so that two at once would lose one.
                let counted = shared.word(1).load(Ordering::Relaxed);
                std::hint::spin_loop();
                shared.word(1).store(counted + 1, Ordering::Relaxed);
            });
        }
    };
    let children: Vec<i32> = (0..3).map(|_| fork(|| work(&shared))).collect();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| work(&shared));
        }
    });
    for child in children {
        assert_eq!(reap(child), 0);
    }
    assert_eq!(shared.word(1).load(Ordering::Relaxed), 6 * EACH);
    assert_eq!(shared.lock().load(Ordering::SeqCst), 0);
}

#[test]
fn a_waiter_killed_in_its_sleep_takes_nobody_s_wake_up_with_it() {
    let shared = Shared::new();
    for round in 0..20 {
        let (first, second) = with_lock(shared.lock(), |_| {
            let wait = || {
                shared.word(1).fetch_add(1, Ordering::SeqCst);
                let _ = with_lock(shared.lock(), |_| shared.word(2).fetch_add(1, Ordering::SeqCst));
            };
            shared.word(1).store(0, Ordering::SeqCst);
            shared.word(2).store(0, Ordering::SeqCst);
            let pids = (fork(wait), fork(wait));
            wait_until("both are about to wait", || shared.word(1).load(Ordering::SeqCst) == 2);
            std::thread::sleep(Duration::from_millis(round % 5));
            kill(pids.0);
            pids
        })
        .expect("free");
        assert_ne!(first, second);
        assert_eq!(reap(second), 0);
        assert_eq!(shared.word(2).load(Ordering::SeqCst), 1);
    }
}

/// A woken thread was killed after another one took the free word: nothing says any more that somebody sleeps.
#[test]
fn a_waiter_whose_wake_up_was_lost_goes_on_all_the_same() {
    let shared = Shared::new();
    let (inside, done) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("the lock is held", || inside.load(Ordering::SeqCst));
            shared.take();
            done.store(true, Ordering::SeqCst);
        });
        let _ = with_lock(shared.lock(), |_| {
            inside.store(true, Ordering::SeqCst);
            wait_until("the other one sleeps", || {
                shared.lock().load(Ordering::SeqCst) & WAITERS != 0
            });
            std::thread::sleep(Duration::from_millis(20));
            shared.lock().fetch_and(!WAITERS, Ordering::SeqCst);
        });
        wait_until("it took the lock", || done.load(Ordering::SeqCst));
    });
}

#[test]
fn a_death_with_waiters_wakes_them_one_after_the_other() {
    let shared = Shared::new();
    let pid = fork(|| {
        let _ = with_lock(shared.lock(), |_| {
            shared.word(1).store(1, Ordering::SeqCst);
            for_ever();
        });
    });
    wait_until("the child has the lock", || shared.word(1).load(Ordering::SeqCst) == 1);
    let learnt = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| learnt.fetch_add(u32::from(shared.take()), Ordering::SeqCst));
        }
        wait_until("they wait", || shared.lock().load(Ordering::SeqCst) & WAITERS != 0);
        assert_eq!(shared.lock().load(Ordering::SeqCst) & OWNER, pid as u32);
        kill(pid);
    });
    assert_eq!(learnt.load(Ordering::SeqCst), 1, "one of them is told");
    assert_eq!(shared.lock().load(Ordering::SeqCst), 0);
}
