//! `vrift cat PLACE ...`.

use std::io::Write;

use vrift_manifest::attributes::Kind;

use crate::content::Content;
use crate::error::{self, Error, Result};
use crate::home;
use crate::located::Located;
use crate::node::type_name;
use crate::output::Output;
use crate::place::Place;

/// Write the content of files to standard output
///
/// Symlinks are followed within the tree. What is read is checked against its digest: content that is missing or is not
/// what was stored is an error.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  vrift cat lua:src/lua.c\n  vrift cat lua@1042:Makefile lua@v1:Makefile\n  \
    vrift cat :README.md      of the workspace at the current directory"
)]
pub struct Args {
    /// The files
    #[arg(required = true)]
    place: Vec<Place>,

    /// Compare the tree's image with its digest, and build its live index anew from the journal, before it is looked at
    #[arg(long)]
    verify: bool,
}

impl Args {
    /// Writes them, one after the other; one that cannot be read does not keep the others back.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        let home = home::for_reading_some()?.verifying(self.verify);
        let mut all = true;
        for place in &self.place {
            match one(&home, place, output) {
                Ok(()) => {}
                Err(error) if error.kind() == error::Kind::Failed => {
                    output.flush()?;
                    error.report(&mut std::io::stderr());
                    all = false;
                }
                Err(error) => return Err(error),
            }
        }
        if all { Ok(()) } else { Err(Error::incomplete()) }
    }
}

fn one(
    home: &vrift_manifest::workspace::Home,
    place: &Place,
    output: &mut Output<'_>,
) -> Result<()> {
    let located = Located::of(home, place)?;
    let tree = located.tree();
    let node = located.node(located.cursor(true)?)?;
    let named = located.named();
    if located.is_present()
        && let Some(mut draft) = located.workspace.open_draft(node.at)?
    {
        // Somebody is writing it: what there is of it by now.
        return Ok(std::io::copy(&mut draft, output).map(drop)?);
    }
    let Some(digest) = node.digest(tree)? else {
        return Err(Error::failed(match node.kind {
            Kind::Directory => format!("{named}: is a directory"),
            kind => format!("{named}: a {} has no content in the store", type_name(kind)),
        }));
    };
    let content = Content { store: home.store(), digest, size: node.attributes.size };
    content.copy(&named, output)
}
