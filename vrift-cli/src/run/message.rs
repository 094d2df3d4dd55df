//! What the process that does the work of a run tells the one that its caller waits for.

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The command was stopped by this signal.
    Stopped(i32),
    /// The command has ended; who goes on does so alone. End with this exit code.
    Code(u8),
    /// The same, but end by this signal.
    Signal(i32),
    /// The command's process group was told to stop itself, and is to have the terminal and to go on.
    Group(i32),
    /// From here on the signals have their own effect.
    Plain,
    /// Hand on what has come, and answer with the same.
    Settle,
}

/// Bytes of a message: its kind, and a number.
const LENGTH: usize = 5;

impl Message {
    fn to_bytes(self) -> [u8; LENGTH] {
        let (kind, number) = match self {
            Message::Stopped(signal) => (b's', signal),
            Message::Code(code) => (b'c', i32::from(code)),
            Message::Signal(signal) => (b'k', signal),
            Message::Group(group) => (b'g', group),
            Message::Plain => (b'p', 0),
            Message::Settle => (b'?', 0),
        };
        let [a, b, c, d] = number.to_le_bytes();
        [kind, a, b, c, d]
    }

    fn parse(bytes: [u8; LENGTH]) -> Option<Message> {
        let [kind, a, b, c, d] = bytes;
        let number = i32::from_le_bytes([a, b, c, d]);
        Some(match kind {
            b's' => Message::Stopped(number),
            b'c' => Message::Code(u8::try_from(number).ok()?),
            b'k' => Message::Signal(number),
            b'g' => Message::Group(number),
            b'p' => Message::Plain,
            b'?' => Message::Settle,
            _ => return None,
        })
    }

    /// Sends it. Who is gone gets nothing.
    pub fn send(self, to: impl AsFd) {
        while let Err(Errno::INTR) = send(&to, &self.to_bytes(), SendFlags::NOSIGNAL) {}
    }

    /// The next one, if there is one.
    pub fn receive(from: impl AsFd) -> Option<Message> {
        let mut bytes = [0; LENGTH];
        loop {
            match recv(&from, &mut bytes, RecvFlags::DONTWAIT) {
                Err(Errno::INTR) => {}
                Ok((LENGTH, _)) => return Message::parse(bytes),
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_is_heard() {
        let all = [
            Message::Stopped(20),
            Message::Code(255),
            Message::Signal(2),
            Message::Group(4_194_304),
            Message::Plain,
            Message::Settle,
        ];
        for message in all {
            assert_eq!(Message::parse(message.to_bytes()), Some(message));
        }
        assert_eq!(Message::parse(*b"c\0\x01\0\0"), None);
        assert_eq!(Message::parse(*b"!\0\0\0\0"), None);
    }
}
