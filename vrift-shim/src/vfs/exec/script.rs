//! The first line of a script, read as the kernel reads it.

use std::ffi::CStr;

/// Bytes of a program that the kernel looks at.
pub const HEAD: usize = 256;

/// Interpreter and argument of a script.
pub struct Line {
    text: [u8; HEAD],
    name: usize,
    argument: Option<usize>,
}

impl Default for Line {
    fn default() -> Line {
        Line { text: [0; HEAD], name: 0, argument: None }
    }
}

/// Whether a program is a script, by its first bytes.
pub fn is_script(head: &[u8]) -> bool {
    head.starts_with(b"#!")
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

impl Line {
    /// Reads the line at the beginning of `head`. `false`: it names no interpreter, or the name may be cut off.
    pub fn read(&mut self, head: &[u8]) -> bool {
        let length = head.len().min(HEAD);
        self.text = [0; HEAD];
        if let (Some(room), Some(head)) = (self.text.get_mut(..length), head.get(..length)) {
            room.copy_from_slice(head);
        }
        self.split().is_some()
    }

    fn split(&mut self) -> Option<()> {
        let text = &mut self.text;
        // A NUL ends the text, and a line only counts as ended in front of it.
        let ended = text.iter().position(|&byte| byte == b'\n' || byte == 0);
        let ended = ended.filter(|&at| text.get(at) == Some(&b'\n'));
        let blank = |from: usize, to: usize, text: &[u8; HEAD]| {
            text.get(from..=to)?.iter().position(|&byte| !is_blank(byte)).map(|at| from + at)
        };
        let terminator = |from: usize, to: usize, text: &[u8; HEAD]| {
            let part = text.get(from..=to)?;
            part.iter().position(|&byte| is_blank(byte) || byte == 0).map(|at| from + at)
        };
        let mut end = match ended {
            Some(end) => end,
            None => {
                let name = blank(2, HEAD - 1, text)?;
                terminator(name, HEAD - 1, text)?;
                HEAD - 1
            }
        };
        while end > 2 && text.get(end - 1).is_some_and(|&byte| is_blank(byte)) {
            end -= 1;
        }
        let name = blank(2, end, text).filter(|&name| name != end)?;
        let separator = terminator(name, end, text);
        let argument = separator
            .filter(|&at| text.get(at).is_some_and(|&byte| byte != 0))
            .and_then(|at| blank(at, end, text))
            .filter(|&at| at < end);
        *text.get_mut(end)? = 0;
        if let (Some(at), true) = (separator, argument.is_some()) {
            *text.get_mut(at)? = 0;
        }
        (self.name, self.argument) = (name, argument);
        Some(())
    }

    fn from(&self, at: usize) -> &CStr {
        let text = self.text.get(at..).unwrap_or(b"\0");
        CStr::from_bytes_until_nul(text).unwrap_or(c"")
    }

    /// The interpreter.
    pub fn interpreter(&self) -> &CStr {
        self.from(self.name)
    }

    /// Its argument, all of it one.
    pub fn argument(&self) -> Option<&CStr> {
        self.argument.map(|at| self.from(at))
    }
}
