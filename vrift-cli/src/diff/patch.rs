//! Differences as text, in the form that `git apply` and `patch -p1` take.

use std::io::Write;
use std::time::Duration;

use similar::{ChangeTag, TextDiff};
use vrift_manifest::attributes::Kind;

use super::compare::{Aspect, Difference};
use super::side::{Item, Side};
use crate::error::Result;
use crate::output::{ADDED, HEADING, Output, REMOVED, names};

/// What begins with a zero byte in this many bytes is no text, as git takes it.
const LOOKED_AT: usize = 8000;
/// Longer contents are not compared line by line.
const LONGEST: u64 = 64 << 20;
/// After this the shortest difference is not searched for any more; what is found is right, only longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Lines that a difference adds and removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// It has no content.
    None,
    /// Text.
    Text {
        /// Lines added.
        inserted: usize,
        /// Lines removed.
        deleted: usize,
    },
    /// Not text: the bytes before and after.
    Binary(u64, u64),
}

/// The two contents of a difference.
enum Contents {
    None,
    Text(Vec<u8>, Vec<u8>),
    Binary,
}

impl Contents {
    fn of(old: &Side, new: &Side, difference: &Difference) -> Result<Contents> {
        let aspects = &difference.aspects;
        let both = difference.old.is_some() && difference.new.is_some();
        let same =
            |aspect: &Aspect| !matches!(aspect, Aspect::Content | Aspect::Target | Aspect::Type);
        if both && aspects.iter().all(same) {
            return Ok(Contents::None);
        }
        let has = |item: &Option<Item>| {
            item.as_ref().is_some_and(|item| matches!(item.kind, Kind::File | Kind::Symlink))
        };
        if !has(&difference.old) && !has(&difference.new) {
            return Ok(Contents::None);
        }
        let large = |item: &Option<Item>| item.as_ref().is_some_and(|item| item.size > LONGEST);
        if large(&difference.old) || large(&difference.new) {
            return Ok(Contents::Binary);
        }
        let read = |side: &Side, item: &Option<Item>| match item {
            Some(item) => side.content(item),
            None => Ok(Vec::new()),
        };
        let (before, after) = (read(old, &difference.old)?, read(new, &difference.new)?);
        Ok(match is_binary(&before) || is_binary(&after) {
            true => Contents::Binary,
            false => Contents::Text(before, after),
        })
    }
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(LOOKED_AT).any(|&byte| byte == 0)
}

/// How many lines a difference adds and removes.
pub fn changed_lines(old: &Side, new: &Side, difference: &Difference) -> Result<Lines> {
    let size = |item: &Option<Item>| item.as_ref().map_or(0, |item| item.size);
    Ok(match Contents::of(old, new, difference)? {
        Contents::None => Lines::None,
        Contents::Binary => Lines::Binary(size(&difference.old), size(&difference.new)),
        Contents::Text(before, after) => {
            let diff = text_diff(&before, &after);
            let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
            Lines::Text { inserted: count(ChangeTag::Insert), deleted: count(ChangeTag::Delete) }
        }
    })
}

fn text_diff<'d>(before: &'d [u8], after: &'d [u8]) -> TextDiff<'d, 'd, [u8]> {
    TextDiff::configure().timeout(PATIENCE).diff_lines(before, after)
}

/// Writes one difference.
pub fn write_patch(
    old: &Side,
    new: &Side,
    difference: &Difference,
    out: &mut Output<'_>,
) -> Result<()> {
    let contents = Contents::of(old, new, difference)?;
    let (before, after) = (difference.old.as_ref(), difference.new.as_ref());
    // git knows no directories: they have a line of our own, which it passes over.
    if before.or(after).is_some_and(Item::is_directory)
        && !difference.aspects.contains(&Aspect::Type)
    {
        return write_directory(difference, out);
    }
    if difference.aspects.contains(&Aspect::Type) {
        // As git has it: the one goes, the other comes.
        let gone = Difference { old: difference.old.clone(), new: None, aspects: Vec::new() };
        let come = Difference { old: None, new: difference.new.clone(), aspects: Vec::new() };
        write_patch(old, new, &gone, out)?;
        return write_patch(old, new, &come, out);
    }
    let old_path = before.map_or(difference.path(), |item| item.path.as_slice());
    let new_path = after.map_or(difference.path(), |item| item.path.as_slice());
    let (from, to) = (quoted(b"a/", old_path), quoted(b"b/", new_path));
    let head = |out: &mut Output<'_>, text: String| {
        let text = out.styled(HEADING, text);
        writeln!(out, "{text}")
    };
    head(out, format!("diff --git {from} {to}"))?;
    match (before, after) {
        (None, Some(item)) => head(out, format!("new file mode {:06o}", git_mode(item)))?,
        (Some(item), None) => head(out, format!("deleted file mode {:06o}", git_mode(item)))?,
        (Some(one), Some(other)) => {
            if one.full_mode() != other.full_mode() {
                head(out, format!("old mode {:06o}", one.full_mode()))?;
                head(out, format!("new mode {:06o}", other.full_mode()))?;
            }
            if one.path != other.path {
                head(out, format!("rename from {}", quoted(b"", &one.path)))?;
                head(out, format!("rename to {}", quoted(b"", &other.path)))?;
            }
        }
        (None, None) => {}
    }
    let from = if before.is_some() { from } else { "/dev/null".to_owned() };
    let to = if after.is_some() { to } else { "/dev/null".to_owned() };
    match contents {
        Contents::None => Ok(()),
        Contents::Binary => Ok(writeln!(out, "Binary files {from} and {to} differ")?),
        Contents::Text(before, after) if before.is_empty() && after.is_empty() => Ok(()),
        Contents::Text(before, after) => {
            head(out, format!("--- {from}"))?;
            head(out, format!("+++ {to}"))?;
            write_hunks(&before, &after, out)
        }
    }
}

fn write_hunks(before: &[u8], after: &[u8], out: &mut Output<'_>) -> Result<()> {
    let diff = text_diff(before, after);
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        writeln!(out, "{}", hunk.header())?;
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Equal => (' ', anstyle::Style::new()),
                ChangeTag::Insert => ('+', ADDED),
                ChangeTag::Delete => ('-', REMOVED),
            };
            let line: &[u8] = change.value();
            let (text, ended) = match line.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (line, false),
            };
            // The bytes as they are, between the colours where there are any.
            let (start, end) = out.around(style);
            write!(out, "{start}{sign}")?;
            out.write_all(text)?;
            writeln!(out, "{end}")?;
            if !ended {
                writeln!(out, "\\ No newline at end of file")?;
            }
        }
    }
    Ok(())
}

fn write_directory(difference: &Difference, out: &mut Output<'_>) -> Result<()> {
    let shown = names::shown(difference.path()).to_string();
    let text = match (&difference.old, &difference.new) {
        (None, _) => format!("Directory {shown} was added"),
        (_, None) => format!("Directory {shown} was removed"),
        (Some(old), Some(_)) if difference.is_rename() => {
            format!("Directory {} was renamed to {shown}", names::shown(&old.path))
        }
        (Some(old), Some(new)) => {
            format!("Directory {shown} has mode {:04o} instead of {:04o}", new.mode, old.mode)
        }
    };
    let text = out.styled(HEADING, text);
    Ok(writeln!(out, "{text}")?)
}

/// git knows two modes of files.
fn git_mode(item: &Item) -> u32 {
    match item.kind {
        Kind::Symlink => 0o120000,
        Kind::File if item.mode & 0o100 != 0 => 0o100755,
        Kind::File => 0o100644,
        _ => item.full_mode(),
    }
}

/// A path as git writes it: in quotes if there is anything in it that needs them.
fn quoted(prefix: &[u8], path: &[u8]) -> String {
    let whole = [prefix, path].concat();
    let shown = names::shown(&whole).to_string();
    if shown.as_bytes() == whole.as_slice() && !shown.contains('"') {
        return shown;
    }
    format!("\"{}\"", shown.replace('"', "\\\""))
}
