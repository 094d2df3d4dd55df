//! Differences as the user is shown them.

use std::io::Write;

use super::compare::{Difference, Verdict};
use super::sides::Facts;
use crate::error::Result;
use crate::node::type_name;
use crate::output::{ADDED, CHANGED, Output, REMOVED, Row, human, names};

/// Shows differences.
pub struct Show;

impl Show {
    /// One line, or JSON element, for each.
    pub fn lines<'d>(
        found: impl IntoIterator<Item = &'d Difference>,
        output: &mut Output<'_>,
    ) -> Result<()> {
        let mut listing = output.listing();
        for difference in found {
            listing.add(
                || row(difference),
                |output| {
                    let (side, word) = (side(difference.verdict), word(difference));
                    let style = match word {
                        _ if difference.verdict == Verdict::Conflict => REMOVED,
                        "added" => ADDED,
                        "removed" => REMOVED,
                        _ => CHANGED,
                    };
                    let path = named(difference);
                    let line = output.styled(style, format_args!("{side:<9}  {word:<7}  {path}"));
                    Ok(writeln!(output, "{line}{}", details(difference))?)
                },
            )?;
        }
        listing.end()
    }
}

/// A difference that is told on its own: what happened on each side.
pub fn said_of(difference: &Difference) -> String {
    let path = named(difference);
    let [base, ours, real] = &difference.facts;
    let (one, other) = (happened(base, ours), happened(base, real));
    format!("{path}: {one} in the workspace, {other} in the directory")
}

/// A difference as JSON.
pub fn row(difference: &Difference) -> Row {
    let [base, ours, real] = &difference.facts;
    Row::new()
        .with("side", side(difference.verdict))
        .with("change", word(difference))
        .name("path", &difference.path)
        .with("aspects", aspects(difference))
        .with("workspace", happened(base, ours))
        .with("directory", happened(base, real))
        .with("entries", difference.entries)
}

fn side(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ours => "workspace",
        Verdict::Real => "directory",
        Verdict::Either | Verdict::Same => "both",
        Verdict::Conflict => "conflict",
        Verdict::Unknown => "unknown",
    }
}

/// What became of what the base has.
fn happened(base: &Option<Facts>, now: &Option<Facts>) -> &'static str {
    match (base, now) {
        (_, Some(now)) if now.unknown => "unreadable",
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (None, None) => "absent",
        (Some(base), Some(now)) if base.is_directory() && now.is_directory() => "changed",
        (Some(base), Some(now)) => {
            let same = base.is_same(now) && base.attributes.mtime == now.attributes.mtime;
            if same { "unchanged" } else { "changed" }
        }
    }
}

fn word(difference: &Difference) -> &'static str {
    let [base, ours, real] = &difference.facts;
    match difference.verdict {
        Verdict::Ours => happened(base, ours),
        Verdict::Real => happened(base, real),
        _ => match (ours, real) {
            (None, _) | (_, None) => "removed",
            _ if base.is_none() => "added",
            _ => "changed",
        },
    }
}

fn named(difference: &Difference) -> String {
    if difference.path.is_empty() {
        return ".".to_owned();
    }
    let [base, ours, real] = &difference.facts;
    let shown = ours.as_ref().or(real.as_ref()).or(base.as_ref());
    let slash = if shown.is_some_and(Facts::is_directory) { "/" } else { "" };
    format!("{}{slash}", names::shown(&difference.path))
}

/// In what the two sides differ.
fn aspects(difference: &Difference) -> Vec<&'static str> {
    let [_, Some(ours), Some(real)] = &difference.facts else { return Vec::new() };
    if ours.kind != real.kind {
        return vec!["type"];
    }
    let found = [
        (!ours.holds_same(real), "content"),
        (ours.mode() != real.mode(), "mode"),
        (ours.owner() != real.owner(), "owner"),
        (ours.xattrs != real.xattrs, "xattrs"),
    ];
    let mut found: Vec<_> =
        found.into_iter().filter(|(differs, _)| *differs).map(|(_, word)| word).collect();
    if found.is_empty() {
        found.push("time");
    }
    found
}

/// What differs, in brackets.
fn details(difference: &Difference) -> String {
    let [base, ours, real] = &difference.facts;
    let mut parts: Vec<String> = Vec::new();
    if difference.verdict == Verdict::Conflict {
        let (one, other) = (happened(base, ours), happened(base, real));
        parts.push(format!("{one} in the workspace, {other} in the directory"));
    }
    if let (Some(ours), Some(real)) = (ours, real) {
        let of_real = difference.verdict == Verdict::Real;
        let (old, new) = if of_real { (ours, real) } else { (real, ours) };
        parts.extend(aspects(difference).into_iter().map(|aspect| match aspect {
            "mode" => format!("mode {:04o} -> {:04o}", old.mode(), new.mode()),
            "type" => format!("{} -> {}", type_name(old.kind), type_name(new.kind)),
            word => word.to_owned(),
        }));
    }
    if difference.entries > 1 {
        parts.push(format!("{} entries", human::count(difference.entries)));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}
