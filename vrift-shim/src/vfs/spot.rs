//! What stands at a place: the directory's attributes, and the node that has the name.

use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::name::NAME_MAX;
use vrift_manifest::session::Session;
use vrift_manifest::tree::Cursor;

use super::find::Place;
use super::session::Given;
use super::who;

/// An ordinary name in a directory that may be searched.
#[derive(Clone, Copy)]
pub struct Spot<'a> {
    /// The workspace.
    pub session: &'static Session,
    /// What was handed over.
    pub given: &'static Given,
    /// The directory's number.
    pub directory: u64,
    /// The directory's attributes.
    pub above: Attributes,
    /// The name.
    pub name: &'a [u8],
    /// Slashes stood behind it.
    pub slash: bool,
    /// What has the name.
    pub there: Option<Cursor>,
}

impl<'a> Place<'a> {
    /// The directory's attributes, after it was seen that it may be searched. This comes before a look at the name, of
    /// whatever sort that is; only the root of the tree is not looked for here.
    pub fn searched(&self) -> Result<Attributes, Errno> {
        let above = self.session.tree().attributes(self.parent).map_err(|_| Errno::IO)?;
        if above.mode & Kind::MASK != Kind::Directory as u32 {
            return Err(Errno::NOTDIR);
        }
        who::credentials().need(&above, 1)?;
        Ok(above)
    }

    /// What stands at `name`, which is the place's.
    pub fn spot(&self, above: Attributes, name: &'a [u8]) -> Result<Spot<'a>, Errno> {
        // In a directory that was removed no name is looked for.
        if name.len() > NAME_MAX {
            return Err(if above.nlink == 0 { Errno::NOENT } else { Errno::NAMETOOLONG });
        }
        let tree = self.session.tree();
        Ok(Spot {
            session: self.session,
            given: self.given,
            directory: tree.number(self.parent).map_err(|_| Errno::IO)?,
            above,
            name,
            slash: self.slash,
            there: tree.child(self.parent, name).map_err(|_| Errno::IO)?,
        })
    }
}

impl Spot<'_> {
    /// The attributes of what is there: ENOENT.
    pub fn attributes(&self) -> Result<Attributes, Errno> {
        let there = self.there.ok_or(Errno::NOENT)?;
        self.session.tree().attributes(there).map_err(|_| Errno::IO)
    }

    /// The number of what is there: ENOENT.
    pub fn number(&self) -> Result<u64, Errno> {
        self.session.tree().number(self.there.ok_or(Errno::NOENT)?).map_err(|_| Errno::IO)
    }

    /// Whether something may be made here: EEXIST, ENOENT, EACCES. A slash behind the name promises a directory.
    pub fn need_free(&self, directory: bool) -> Result<(), Errno> {
        if self.there.is_some() {
            return Err(Errno::EXIST);
        }
        if self.above.nlink == 0 || self.slash && !directory {
            return Err(Errno::NOENT);
        }
        who::credentials().need(&self.above, 3)
    }
}

/// Whether it is a directory.
pub fn is_directory(attributes: &Attributes) -> bool {
    attributes.mode & Kind::MASK == Kind::Directory as u32
}
