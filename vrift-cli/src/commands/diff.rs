//! `vrift diff A B`.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use vrift_manifest::workspace::Home;

use crate::diff::{
    Aspect, Difference, Item, Lines, Side, changed_lines, compare, pair, write_patch,
};
use crate::error::{Error, Result};
use crate::home;
use crate::ingest::{CACHE, Exclude, StatCache};
use crate::located::{Located, relative};
use crate::output::{ADDED, CHANGED, Output, REMOVED, Row, human, names};
use crate::place::Place;

/// Show what differs between two places, or between a place and a real directory
///
/// Compared are type, permission, content, symlink target and device number; between two places also owner and extended
/// attributes. Times are not. What a workspace left out when it was ingested is left out of that directory here too.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An operand is a real directory if it begins with '/', './' or '../' or is '.' or '..', or if \
    it has no '@' and no ':', no workspace has that name, and it exists. Everything else is a PLACE.\n\n\
    Examples:\n  vrift diff lua@before lua               since the snapshot\n  \
    vrift diff --stat lua experiment        between a workspace and its fork\n  \
    vrift diff -p lua@17:src lua@42:src     as text, for `git apply` or `patch -p1`\n  \
    vrift diff lua .                        what the directory has that the workspace has not\n\n\
    The exit code is 0 also where there are differences, unless --exit-code is given. Files that cannot be read are\n\
    named, and the exit code is 1."
)]
pub struct Args {
    /// The old one: a PLACE or a directory
    #[arg(value_name = "A")]
    old: OsString,

    /// The new one
    #[arg(value_name = "B")]
    new: OsString,

    /// Text, line by line
    #[arg(short = 'p', long, conflicts_with_all = ["stat", "name_only", "json"])]
    patch: bool,

    /// How many lines were added and removed in each file
    #[arg(long, conflicts_with_all = ["name_only", "json"])]
    stat: bool,

    /// Only the paths
    #[arg(long, conflicts_with = "json")]
    name_only: bool,

    /// With --name-only: paths as they are, each ended by a zero byte
    #[arg(short = 'z', long, requires = "name_only")]
    null: bool,

    /// Exit code 1 if there are differences
    #[arg(long)]
    exit_code: bool,

    /// One JSON array
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Compares the two.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let home = home::for_reading()?;
        let old = operand(home.as_ref(), &self.old)?;
        let new = operand(home.as_ref(), &self.new)?;
        let (old, new) = match (old, new) {
            (Operand::Real(_), Operand::Real(_)) => {
                return Err(Error::usage("both are real directories")
                    .hint("one of them has to be a place; `diff -r` compares directories"));
            }
            (Operand::Tree(old), Operand::Real(path)) => {
                let real = real(path, &old)?;
                (Side::Tree(old), real)
            }
            (Operand::Real(path), Operand::Tree(new)) => (real(path, &new)?, Side::Tree(new)),
            (Operand::Tree(old), Operand::Tree(new)) => (Side::Tree(old), Side::Tree(new)),
        };
        let found = pair(&old, &new, compare(&old, &new)?)?;
        let show = Show { old: &old, new: &new };
        if self.patch {
            found.iter().try_for_each(|difference| write_patch(&old, &new, difference, output))?;
        } else if self.stat {
            show.stat(&found, output)?;
        } else if self.name_only {
            for difference in &found {
                match self.null {
                    true => output.write_all(&[difference.path(), b"\0"].concat())?,
                    false => writeln!(output, "{}", path_shown(difference.path()))?,
                }
            }
        } else {
            show.lines(&found, output)?;
        }
        let problems: Vec<Error> = [&old, &new].iter().flat_map(|side| side.problems()).collect();
        if !problems.is_empty() {
            output.flush()?;
            for problem in &problems {
                problem.report(&mut std::io::stderr());
            }
            return Err(Error::incomplete());
        }
        if self.exit_code && !found.is_empty() { Err(Error::incomplete()) } else { Ok(()) }
    }
}

/// What an operand names.
enum Operand {
    Tree(Box<Located>),
    Real(PathBuf),
}

fn operand(home: Option<&Home>, text: &OsStr) -> Result<Operand> {
    if is_directory(home, text)? {
        return Ok(Operand::Real(PathBuf::from(text)));
    }
    let place = Place::parse(text).map_err(|why| {
        Error::usage(why).hint("a real directory is written with './' or '/' at its beginning")
    })?;
    match home {
        Some(home) => Ok(Operand::Tree(Box::new(Located::of(home, &place)?))),
        None => Err(home::no_workspaces()?),
    }
}

/// Whether an operand is a real directory, as the help says it.
fn is_directory(home: Option<&Home>, text: &OsStr) -> Result<bool> {
    let bytes = text.as_bytes();
    let begins = |prefix: &[u8]| bytes.starts_with(prefix);
    if begins(b"/") || begins(b"./") || begins(b"../") || bytes == b"." || bytes == b".." {
        return Ok(true);
    }
    if bytes.contains(&b'@') || bytes.contains(&b':') {
        return Ok(false);
    }
    let is_workspace = match home {
        Some(home) => home.names()?.iter().any(|name| name.as_bytes() == bytes),
        None => false,
    };
    Ok(!is_workspace && Path::new(text).exists())
}

/// A real directory beside the tree that it is compared with. Of the one that the tree was ingested from, what was left
/// out then is left out now.
fn real(path: PathBuf, tree: &Located) -> Result<Side> {
    let origin = tree.workspace.config()?.origin;
    let whole = relative(&tree.mount, tree.path()).is_empty();
    let same = |directory: &Path| path.canonicalize().is_ok_and(|path| path == directory);
    let globs = match origin {
        Some(origin) if whole && same(&origin.directory) => origin.excludes,
        _ => Vec::new(),
    };
    let exclude = Exclude::new(&globs).map_err(|why| Error::failed("").caused_by(why))?;
    let cache = StatCache::load(&tree.workspace.directory().join(CACHE));
    Ok(Side::real(path, exclude, cache.unwrap_or_else(|_| StatCache::empty())))
}

fn path_shown(path: &[u8]) -> String {
    if path.is_empty() { ".".to_owned() } else { names::shown(path).to_string() }
}

fn named(item: &Item) -> String {
    let slash = if item.is_directory() && !item.path.is_empty() { "/" } else { "" };
    format!("{}{slash}", path_shown(&item.path))
}

struct Show<'a> {
    old: &'a Side,
    new: &'a Side,
}

impl Show<'_> {
    /// One line, or JSON element, for each difference.
    fn lines(&self, found: &[Difference], output: &mut Output<'_>) -> Result<()> {
        let mut listing = output.listing();
        for difference in found {
            let (word, style, path) = match (&difference.old, &difference.new) {
                (None, Some(new)) => ("added", ADDED, named(new)),
                (Some(old), None) => ("removed", REMOVED, named(old)),
                (Some(old), Some(new)) if difference.is_rename() => {
                    ("renamed", CHANGED, format!("{} -> {}", named(old), named(new)))
                }
                (_, Some(new)) => ("changed", CHANGED, named(new)),
                (None, None) => continue,
            };
            let row = if listing.is_json() { self.row(word, difference)? } else { Row::new() };
            let details = details(difference);
            listing.add(
                || row,
                |output| {
                    let line = output.styled(style, format_args!("{word:<8} {path}"));
                    Ok(writeln!(output, "{line}{details}")?)
                },
            )?;
        }
        listing.end()
    }

    fn row(&self, word: &str, difference: &Difference) -> Result<Row> {
        let mut row = Row::new().with("change", word).name("path", difference.path());
        if let Some(old) = difference.old.as_ref().filter(|_| difference.is_rename()) {
            row = row.name("from", &old.path);
        }
        let aspects: Vec<_> = difference.aspects.iter().map(|aspect| aspect.word()).collect();
        row = row.with("aspects", aspects);
        let describe = |side: &Side, item: &Option<Item>| match item {
            Some(item) => side.row(item).map(Some),
            None => Ok(None),
        };
        Ok(row
            .with("old", describe(self.old, &difference.old)?)
            .with("new", describe(self.new, &difference.new)?))
    }

    /// As `git diff --stat`.
    fn stat(&self, found: &[Difference], output: &mut Output<'_>) -> Result<()> {
        let mut rows = Vec::new();
        let (mut inserted, mut deleted) = (0, 0);
        for difference in found {
            let lines = changed_lines(self.old, self.new, difference)?;
            if let Lines::Text { inserted: more, deleted: less } = lines {
                inserted += more;
                deleted += less;
            }
            let path = match (&difference.old, &difference.new) {
                (Some(old), Some(new)) if difference.is_rename() => {
                    format!("{} -> {}", named(old), named(new))
                }
                (old, new) => new.as_ref().or(old.as_ref()).map(named).unwrap_or_default(),
            };
            rows.push((path, lines, details(difference)));
        }
        let width = rows.iter().map(|(path, ..)| path.chars().count()).max().unwrap_or(0);
        let most = rows.iter().map(|(_, lines, _)| total(lines)).max().unwrap_or(0);
        for (path, lines, details) in &rows {
            write!(output, " {path:<width$} |")?;
            match lines {
                Lines::None => writeln!(output, "{details}")?,
                Lines::Binary(before, after) => {
                    writeln!(output, " {} -> {}", human::size(*before), human::size(*after))?;
                }
                Lines::Text { inserted: 0, deleted: 0 } => writeln!(output, "    0")?,
                Lines::Text { inserted, deleted } => {
                    let plus = output.styled(ADDED, "+".repeat(scaled(*inserted, most)));
                    let minus = output.styled(REMOVED, "-".repeat(scaled(*deleted, most)));
                    writeln!(output, " {:>4} {plus}{minus}", inserted + deleted)?;
                }
            }
        }
        writeln!(
            output,
            " {} changed, {} inserted, {} deleted",
            human::counted(found.len() as u64, "path"),
            human::counted(inserted as u64, "line"),
            human::count(deleted as u64)
        )?;
        Ok(())
    }
}

fn total(lines: &Lines) -> usize {
    match lines {
        Lines::Text { inserted, deleted } => inserted + deleted,
        _ => 0,
    }
}

/// The length of a bar, of which the longest has 50 letters; what is not nothing is seen.
fn scaled(lines: usize, most: usize) -> usize {
    const BAR: usize = 50;
    match most {
        0..=BAR => lines,
        most => (lines * BAR).div_ceil(most),
    }
}

/// What differs, in brackets.
fn details(difference: &Difference) -> String {
    let (Some(old), Some(new)) = (&difference.old, &difference.new) else { return String::new() };
    let parts: Vec<String> = difference
        .aspects
        .iter()
        .map(|aspect| match aspect {
            Aspect::Mode => format!("mode {:04o} -> {:04o}", old.mode, new.mode),
            Aspect::Owner => {
                let ((uid, gid), (new_uid, new_gid)) = (old.owner, new.owner);
                format!("owner {uid}:{gid} -> {new_uid}:{new_gid}")
            }
            Aspect::Type => {
                let word = crate::node::type_name;
                format!("{} -> {}", word(old.kind), word(new.kind))
            }
            aspect => aspect.word().to_owned(),
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}
