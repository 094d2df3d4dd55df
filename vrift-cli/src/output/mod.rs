//! What a command says on standard output: text or JSON, coloured on a terminal only.

pub mod accounts;
pub mod columns;
pub mod human;
pub mod names;
pub mod progress;
pub mod row;

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::error::Result;
pub use row::Row;

/// Directories in listings.
pub const DIRECTORY: Style = AnsiColor::Blue.on_default().bold();
/// Symlinks in listings.
pub const SYMLINK: Style = AnsiColor::Cyan.on_default();
/// Executable files in listings, and what was added.
pub const ADDED: Style = AnsiColor::Green.on_default();
/// What was removed, and damage.
pub const REMOVED: Style = AnsiColor::Red.on_default();
/// What was changed.
pub const CHANGED: Style = AnsiColor::Yellow.on_default();
/// Headings.
pub const HEADING: Style = Style::new().bold();

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Standard output of a command.
pub struct Output<'a> {
    writer: BufWriter<Box<dyn Write + 'a>>,
    json: bool,
    colour: bool,
    terminal: bool,
}

impl<'a> Output<'a> {
    /// The process's standard output.
    pub fn stdout(colour: Colour) -> Output<'static> {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let colour = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never && terminal
            }
        };
        let writer: Box<dyn Write> = Box::new(stdout.lock());
        Output { writer: BufWriter::with_capacity(1 << 16, writer), json: false, colour, terminal }
    }

    /// Output into `writer`, as into a pipe.
    pub fn to(writer: impl Write + 'a) -> Output<'a> {
        let writer: Box<dyn Write> = Box::new(writer);
        Output { writer: BufWriter::new(writer), json: false, colour: false, terminal: false }
    }

    /// Says whether the command was asked for JSON.
    pub fn set_json(&mut self, json: bool) {
        self.json = json;
    }

    /// Whether the command was asked for JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether someone looks at it.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The width of the terminal; none if this is a pipe.
    pub fn width(&self) -> Option<usize> {
        if !self.terminal {
            return None;
        }
        let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        asked.or_else(|| {
            let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
            (size.ws_col > 0).then(|| usize::from(size.ws_col))
        })
    }

    /// `text` in `style` where colours are wanted.
    pub fn styled(&self, style: Style, text: impl Display) -> String {
        if self.colour && !self.json { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// What to write before and after bytes that are to be in `style`.
    pub fn around(&self, style: Style) -> (String, String) {
        if self.colour && !self.json {
            (style.render().to_string(), style.render_reset().to_string())
        } else {
            Default::default()
        }
    }

    /// One JSON document.
    pub fn document(&mut self, value: &impl Serialize) -> Result<()> {
        serde_json::to_writer_pretty(&mut self.writer, value).map_err(io::Error::from)?;
        self.writer.write_all(b"\n")?;
        Ok(())
    }

    /// Starts a listing: a JSON array of one element a line, or lines of text.
    pub fn listing(&mut self) -> Listing<'_, 'a> {
        Listing { output: self, elements: 0 }
    }

    /// Writes out what is still buffered. To be called once, at the end; errors of a full disk show here.
    pub fn finish(&mut self) -> Result<()> {
        Ok(self.writer.flush()?)
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A listing in progress: its memory does not grow with its length.
pub struct Listing<'o, 'a> {
    output: &'o mut Output<'a>,
    elements: u64,
}

impl<'a> Listing<'_, 'a> {
    /// Adds an element: `json` makes it where JSON is wanted, `text` writes its line otherwise.
    pub fn add(
        &mut self,
        json: impl FnOnce() -> Row,
        text: impl FnOnce(&mut Output<'a>) -> Result<()>,
    ) -> Result<()> {
        self.elements += 1;
        if !self.output.json {
            return text(self.output);
        }
        self.output.write_all(if self.elements == 1 { b"[\n" } else { b",\n" })?;
        serde_json::to_writer(&mut self.output.writer, &json()).map_err(io::Error::from)?;
        Ok(())
    }

    /// Writes what stands between elements where text is wanted, and several elements at once.
    pub fn text(&mut self, text: impl FnOnce(&mut Output<'a>) -> Result<()>) -> Result<()> {
        if self.output.json { Ok(()) } else { text(self.output) }
    }

    /// Whether JSON is wanted.
    pub fn is_json(&self) -> bool {
        self.output.json
    }

    /// Ends the listing.
    pub fn end(self) -> Result<()> {
        if self.output.json {
            self.output.write_all(if self.elements == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(json: bool, names: &[&str]) -> String {
        let mut bytes = Vec::new();
        let mut output = Output::to(&mut bytes);
        output.set_json(json);
        let mut listing = output.listing();
        for name in names {
            let row = || Row::new().name("path", name.as_bytes());
            listing.add(row, |output| Ok(writeln!(output, "{name}")?)).unwrap();
        }
        listing.end().unwrap();
        output.finish().unwrap();
        drop(output);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_listing_is_lines_or_an_array_that_parses_also_when_it_is_empty() {
        assert_eq!(listing(false, &["a", "b"]), "a\nb\n");
        assert_eq!(listing(true, &["a", "b"]), "[\n{\"path\":\"a\"},\n{\"path\":\"b\"}\n]\n");
        assert_eq!(listing(true, &[]), "[]\n");
        assert_eq!(listing(false, &[]), "");
    }

    #[test]
    fn colours_are_for_terminals() {
        let output = Output::to(io::sink());
        assert_eq!(output.styled(DIRECTORY, "src"), "src");
    }
}
