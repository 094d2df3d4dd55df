//! The store that there is, and what stores are made of, tried in a scratch one.

use std::fs;
use std::path::Path;

use vrift_cas::Digest;
use vrift_manifest::workspace::Workspace;

use super::check::Check;
use super::scratch::Scratch;
use crate::error::Result;
use crate::home;
use crate::output::names;

/// The user's own: it is only looked at.
pub fn existing(path: &Path) -> Check {
    const NAME: &str = "store";
    const MEANS: &str = "no command that needs a workspace works; VRIFT_HOME names another place";
    let shown = names::path(path).to_string();
    match home::for_reading() {
        Ok(None) => Check::works(NAME, format!("none at '{shown}' yet: the first ingest makes it")),
        Ok(Some(home)) if home.store().is_read_only() => Check::missing(
            NAME,
            format!("'{shown}' can be read and not written"),
            "workspaces can be looked at and exported; nothing can be ingested, run or changed",
        ),
        Ok(Some(home)) => match home.names() {
            Ok(names) => Check::works(NAME, format!("'{shown}', workspaces: {}", names.len())),
            Err(error) => Check::fails(NAME, error.to_string(), MEANS),
        },
        Err(error) => Check::fails(NAME, error.to_string(), MEANS),
    }
}

/// Files that were being written when the machine went down.
pub fn interrupted() -> Option<Check> {
    let home = home::for_reading().ok()??;
    let mut kept = Vec::new();
    for name in home.names().unwrap_or_default() {
        let Ok(workspace) = Workspace::look(&home, &name) else { continue };
        let files = workspace.drafts_aside().len();
        if files > 0 {
            let directory = workspace.directory().join("drafts");
            kept.push(format!("{files} of '{name}' in '{}'", names::path(&directory)));
        }
    }
    let found =
        format!("files that were being written when the machine went down: {}", kept.join(", "));
    (!kept.is_empty()).then(|| {
        Check::missing(
            "interrupted files",
            found,
            "they are kept aside; the tree shows what was sealed before",
        )
    })
}

/// Contents.
pub fn content(scratch: &Scratch) -> Result<Check> {
    const NAME: &str = "content";
    let home = scratch.home()?;
    let content = b"what the doctor wrote\n";
    let put = home.store().put_bytes(content)?;
    home.store().sync()?;
    let verdict = home.store().verify(&put.digest)?;
    Ok(match put.digest == Digest::of(content) && verdict.is_sound() {
        true => Check::works(NAME, "written, brought to the disk and read again"),
        false => Check::fails(
            NAME,
            format!("what was written is not what is read: {verdict:?}"),
            "no store is safe on this file system",
        ),
    })
}

/// Whether it can be told that the machine was started again.
pub fn restarts() -> Check {
    const NAME: &str = "restarts";
    match fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(_) => Check::works(NAME, "the kernel tells when the machine was started again"),
        Err(why) => Check::missing(
            NAME,
            format!("the kernel does not tell when the machine was started again: {why}"),
            "after a power cut run `vrift fsck`; what was being written then is not found by itself",
        ),
    }
}
