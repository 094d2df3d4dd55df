//! The record of a process that changes nothing itself and starts others that do.

use super::{Session, SessionError, Who};

impl Session {
    /// Journals the record of the process, if it has none; its number.
    pub fn note(&self, who: &Who<'_>) -> Result<u64, SessionError> {
        let Some(author) = who.before() else {
            return Ok(who.process.load(std::sync::atomic::Ordering::Relaxed));
        };
        self.turn(|turn| Ok(turn.register(who, Some(&author))?))
    }
}
