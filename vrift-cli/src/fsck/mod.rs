//! Checking a store, or what one workspace reaches: everything is read and compared with its digest or checksum.
//!
//! The order is from the top down: descriptions of workspaces, images, journals, then contents. What is damaged is
//! traced back to the paths that show it, of today and of earlier states.

mod contents;
mod hits;
mod images;
mod journals;
mod reach;
mod repair;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use vrift_cas::Digest;
use vrift_manifest::journal::SegmentId;
use vrift_manifest::workspace::{Config, Home, Unsealed, Workspace, WorkspaceError};

use crate::error::Result;
use crate::output::progress::Counters;
use reach::Reach;

/// What is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A content.
    Content(Digest),
    /// The image of a tree.
    Image(Digest),
    /// A segment of a journal.
    Journal(SegmentId),
    /// The description of a workspace.
    Workspace(String),
    /// The control page of a workspace.
    Control(String),
    /// The live index of a workspace.
    Index(String),
    /// What is being written in a workspace.
    Drafts(String),
}

impl Subject {
    /// What it is called.
    pub fn kind(&self) -> &'static str {
        match self {
            Subject::Content(_) => "content",
            Subject::Image(_) => "image",
            Subject::Journal(_) => "journal",
            Subject::Workspace(_) => "workspace",
            Subject::Control(_) => "control",
            Subject::Index(_) => "index",
            Subject::Drafts(_) => "drafts",
        }
    }
}

/// A path that shows a damaged content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The workspace.
    pub workspace: String,
    /// The state; none: the present one.
    pub seq: Option<u64>,
    /// The path in it.
    pub path: Vec<u8>,
}

/// Something that is not as it has to be.
#[derive(Debug, Clone)]
pub struct Damage {
    /// What it is.
    pub subject: Subject,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
    /// States of workspaces that cannot be shown because of it.
    pub states: Vec<String>,
    /// Paths whose content it is.
    pub hits: Vec<Hit>,
    /// What was done about it.
    pub done: Option<String>,
    /// Whether it is still damage.
    pub stands: bool,
}

impl Damage {
    fn new(subject: Subject, path: PathBuf, what: impl Into<String>) -> Damage {
        let (states, hits) = (Vec::new(), Vec::new());
        Damage { subject, path, what: what.into(), states, hits, done: None, stands: true }
    }
}

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Contents that were read.
    pub contents: u64,
    /// The sum of their lengths.
    pub bytes: u64,
    /// Images that were read.
    pub images: u64,
    /// Journal segments that were read.
    pub journals: u64,
    /// Workspaces.
    pub workspaces: u64,
    /// What is wrong.
    pub damages: Vec<Damage>,
    /// What is worth knowing and nothing wrong.
    pub notes: Vec<String>,
}

/// A check in progress.
pub struct Check<'a> {
    home: &'a Home,
    only: Option<&'a str>,
    counters: &'a Arc<Counters>,
    configs: Vec<(String, Config)>,
    reach: Reach,
    report: Report,
}

/// Checks everything, or what the workspace `only` reaches; with `repair`, then heals what can be healed.
pub fn check(
    home: &Home,
    only: Option<&str>,
    repair: bool,
    counters: &Arc<Counters>,
) -> Result<Report> {
    let (configs, reach, report) = (Vec::new(), Reach::default(), Report::default());
    let mut check = Check { home, only, counters, configs, reach, report };
    check.descriptions()?;
    check.come_first();
    check.images()?;
    check.journals();
    check.open_all();
    check.contents()?;
    check.trace();
    if repair {
        check.repair()?;
    }
    Ok(check.report)
}

impl Check<'_> {
    fn damage(&mut self, damage: Damage) {
        self.report.damages.push(damage);
    }

    /// Reads the descriptions.
    fn descriptions(&mut self) -> Result<()> {
        let names = match self.only {
            Some(name) => vec![name.to_owned()],
            None => self.home.names()?,
        };
        for name in names {
            let directory = self.home.store().workspaces_dir().join(&name);
            match Config::load(&directory) {
                Ok(config) => self.configs.push((name, config)),
                Err(_) if !directory.is_dir() && self.only.is_none() => continue,
                Err(_) if !directory.is_dir() => {
                    return Err(WorkspaceError::NoSuchWorkspace(name).into());
                }
                Err(error) => {
                    let path = directory.join("workspace.toml");
                    let mut damage =
                        Damage::new(Subject::Workspace(name.clone()), path, text(&error));
                    damage.states.push(format!("{name}: all of it"));
                    self.damage(damage);
                }
            }
            self.report.workspaces += 1;
        }
        Ok(())
    }

    /// Whoever comes first after the machine went down, or to a copy of a store, puts aside what is torn at the end of a journal:
    /// that is no damage.
    fn come_first(&mut self) {
        for (name, _) in &self.configs {
            // What is wrong with those that cannot be opened is found below.
            let Ok(workspace) = Workspace::look(self.home, name) else { continue };
            self.report.notes.extend(workspace.cuts().iter().map(|cut| {
                let cut = crate::output::names::path(cut);
                format!("the torn end of the journal of '{name}' was kept in '{cut}'")
            }));
        }
    }

    /// Opens each workspace whose parts are sound, and compares its live index with them.
    fn open_all(&mut self) {
        let mut found = Vec::new();
        for (name, config) in &self.configs {
            let parts = self.report.damages.iter().any(|damage| match &damage.subject {
                Subject::Image(image) => config.era.iter().any(|era| era.image == *image),
                Subject::Journal(id) => {
                    config.era.iter().flat_map(|era| &era.segment).any(|segment| segment.id == *id)
                }
                _ => false,
            });
            if parts {
                continue;
            }
            match Workspace::open(self.home, name) {
                Ok(mut workspace) => {
                    found.extend(index(name, &mut workspace));
                    found.extend(drafts(name, &mut workspace));
                    self.report.notes.extend(aside(name, &workspace));
                }
                Err(WorkspaceError::NoSuchWorkspace(_)) => {}
                Err(error) => {
                    let path = self.home.store().workspaces_dir().join(name).join("control");
                    let mut damage =
                        Damage::new(Subject::Control(name.clone()), path, text(&error));
                    damage.states.push(format!("{name}: cannot be opened"));
                    found.push(damage);
                }
            }
        }
        self.report.damages.extend(found);
    }

    /// The contents that are damaged or missing.
    fn bad_contents(&self) -> BTreeSet<Digest> {
        let digests = self.report.damages.iter().filter_map(|damage| match damage.subject {
            Subject::Content(digest) => Some(digest),
            _ => None,
        });
        digests.collect()
    }
}

/// Whether the live index says something else than image and journal.
fn index(name: &str, workspace: &mut Workspace) -> Option<Damage> {
    let what = match workspace.index_damage() {
        Ok(what) => format!("it is not what image and journal say: {}", what?),
        Err(error) => format!("it cannot be compared: {}", text(&error)),
    };
    let path = workspace.index_path();
    let mut damage = Damage::new(Subject::Index(name.to_owned()), path, what);
    damage.states.push(format!("{name}: its present state"));
    Some(damage)
}

/// Whether there are files that are being written, as the tree says, whose content is nowhere.
fn drafts(name: &str, workspace: &mut Workspace) -> Option<Damage> {
    let lost = match workspace.lost_drafts() {
        Ok(lost) if lost.is_empty() => return None,
        Err(WorkspaceError::NoSuchWorkspace(_)) => return None,
        other => other,
    };
    let path = workspace.directory().join("drafts");
    let damage = |what| Damage::new(Subject::Drafts(name.to_owned()), path, what);
    Some(match lost {
        Ok(lost) => {
            let hit =
                |file: Unsealed| Hit { workspace: name.to_owned(), seq: None, path: file.path };
            let mut damage =
                damage("what was written since they were sealed last is gone".to_owned());
            damage.hits = lost.into_iter().map(hit).collect();
            damage
        }
        Err(error) => damage(format!("they cannot be looked at: {}", text(&error))),
    })
}

/// What was being written when the machine went down.
fn aside(name: &str, workspace: &Workspace) -> Option<String> {
    let files = workspace.drafts_aside();
    let directory = workspace.directory().join("drafts");
    (!files.is_empty()).then(|| {
        format!(
            "files of '{name}' that were being written when the machine went down: {} kept in '{}'",
            files.len(),
            crate::output::names::path(&directory)
        )
    })
}

/// An error with its causes, on one line.
fn text(error: &dyn std::error::Error) -> String {
    let (mut said, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.ends_with(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said.replace('\n', "; ")
}
