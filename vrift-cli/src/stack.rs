//! Room for the stack of a command that was given next to none (`ulimit -s 64`): to read the command line takes more.

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use rustix::process::{Resource, getrlimit};

/// Who was given as much works on what was given.
const ENOUGH: u64 = 1 << 20;
const OURS: usize = 8 << 20;

/// The exit code of `main`. Where the limit is small it runs on another stack, as a thread: the limit is not about those. This one
/// waits meanwhile, and takes no signal, so that each comes where the work is done.
pub fn with_room(main: fn() -> u8) -> u8 {
    if getrlimit(Resource::Stack).current.is_none_or(|limit| limit >= ENOUGH) {
        return main();
    }
    let mut before = SigSet::empty();
    let all = SigSet::all();
    if pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&all), Some(&mut before)).is_err() {
        return main();
    }
    let restore = move || {
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    };
    let room = std::thread::Builder::new().stack_size(OURS);
    // Whoever has become a second process in there has no other thread that could tell its exit code.
    let other = room.spawn(move || {
        restore();
        std::process::exit(main().into());
    });
    match other {
        Ok(other) => other.join().unwrap_or(101),
        Err(_) => {
            restore();
            main()
        }
    }
}
