//! A workspace: a named tree that can be changed, with all its past.
//!
//! ```text
//! workspaces/NAME/workspace.toml   eras (image, segments), snapshots, mount path    config
//! workspaces/NAME/control          lock, epoch, committed                           control
//! images/ID  journals/ID           shared by forks and snapshots                    images, segments
//! <tmpfs>/vrift-UID/index-*.EPOCH  the live index                                   attach, build
//! ```
//! An **era** is an image and the journal since; a new one begins when the tree is replaced as a whole (ingest, reset)
//! or when the journal is folded into an image. A state is a sequence number; the state after record N is `NAME@N`.

mod adopt;
pub(crate) mod attach;
pub(crate) mod build;
mod collect;
mod compact;
mod config;
pub(crate) mod control;
mod create;
mod drafts;
mod drop;
mod error;
mod escape;
mod farm;
mod files;
mod fork;
mod history;
mod images;
mod load;
mod mutate;
pub(crate) mod names;
mod open;
mod origin;
mod place;
mod rebase;
mod repair;
mod reset;
mod roots;
mod runtime;
pub(crate) mod segments;
mod snapshot;
mod sync;
mod trash;
pub(crate) mod turn;
mod verify;

pub use collect::{CollectError, Collected, collect};
pub use config::{Config, Era, Origin, Segment, Snapshot};
pub use create::NewWorkspace;
pub use drafts::{SealReport, Unsealed};
pub use drop::drop_workspace;
pub use error::{Action, WorkspaceError};
pub use history::{Entry, Moment};
pub use images::{open as open_image, path as image_path, write as write_image};
pub use mutate::{Author, Done};
/// The word of the lock in a workspace's control page, for who looks at it from outside.
pub mod lock_word {
    pub use super::control::LOCK_AT as AT;
    pub use crate::shm::{OWNER, OWNER_DIED};
}
pub use names::{is_snapshot_name, is_workspace_name};
pub use open::Workspace;
pub use place::{Bounds, Home};
pub use rebase::Replacement;
pub use repair::repair_control;
pub use roots::{Roots, roots};
pub use segments::{read_segment, segment_path};
pub use verify::check_image;
