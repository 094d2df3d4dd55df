//! SIGINT, SIGTERM and SIGHUP in a command that is to leave things in order: the first is noted, and whoever works asks
//! for it from time to time. The second ends the process at once, as a kill does, from which nothing is lost either.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};

const TAKEN: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// The signal that came; 0: none.
static CAME: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// From now on these signals are noted. What the caller ignores stays ignored.
pub fn watch() {
    CAME.get_or_init(|| {
        let (came, again) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        for signal in TAKEN.into_iter().filter(|signal| !crate::is_ignored(*signal)) {
            // Nothing but a signal that cannot be caught is refused. In the order in which they are asked.
            let _ = flag::register_conditional_default(signal, Arc::clone(&again));
            let _ = flag::register(signal, Arc::clone(&again));
            let number = usize::try_from(signal).unwrap_or(0);
            let _ = flag::register_usize(signal, Arc::clone(&came), number);
        }
        came
    });
}

/// Notes a signal that was received in another way.
pub fn note(signal: i32) {
    let number = usize::try_from(signal).unwrap_or(0);
    if let Some(came) = CAME.get().filter(|_| TAKEN.contains(&signal) && !crate::is_ignored(signal))
    {
        came.store(number, Ordering::Relaxed);
    }
}

/// The signal that came.
pub fn came() -> Option<i32> {
    let number = CAME.get()?.load(Ordering::Relaxed);
    i32::try_from(number).ok().filter(|signal| *signal != 0)
}

/// An error if this command is to end.
pub fn check() -> Result<()> {
    match came() {
        None => Ok(()),
        Some(signal) => Err(Error::interrupted(signal)),
    }
}

/// The same inside of something that ends with an error of the system. No call here fails with this one by itself.
pub fn check_io() -> std::io::Result<()> {
    match came() {
        None => Ok(()),
        Some(_) => Err(std::io::Error::from(rustix::io::Errno::CANCELED)),
    }
}

/// For a command that leaves nothing behind wherever it is killed: it ends at once, and says `text` before.
pub fn say(text: String) {
    let Ok((wakes, mut waits)) = UnixStream::pair() else { return };
    for signal in TAKEN.into_iter().filter(|signal| !crate::is_ignored(*signal)) {
        let came = CAME.get_or_init(Arc::default);
        let number = usize::try_from(signal).unwrap_or(0);
        let wakes = wakes.try_clone().map(OwnedFd::from);
        // In the order in which they are done.
        let _ = flag::register_usize(signal, Arc::clone(came), number);
        let _ = wakes.map(|wakes| signal_hook::low_level::pipe::register(signal, wakes));
    }
    // Where there can be no thread the signals do nothing, and SIGKILL still does.
    let _ = std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        while let Ok(1) = waits.read(&mut [0]) {
            let Some(signal) = came() else { continue };
            let _ = writeln!(std::io::stderr(), "vrift: interrupted: {text}");
            die_of(signal);
        }
    });
}

/// Ends this process as the signal does by itself, so that a script that called it ends as well.
pub fn die_of(signal: i32) {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
