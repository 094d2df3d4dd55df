//! Names of workspaces and snapshots, as people type them.

use crate::places;

/// Whether `name` can name a workspace: `[A-Za-z0-9._-]+`, beginning with neither `.` nor `-`, at most 200 long, and
/// not the name of a directory of placeholders: where there is no tmpfs, they lie beside the workspaces.
pub fn is_workspace_name(name: &str) -> bool {
    (1..=200).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && !is_of_placeholders(name)
}

fn is_of_placeholders(name: &str) -> bool {
    let id = name.strip_prefix(places::PREFIX).unwrap_or_default();
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether `name` can name a snapshot: as a workspace, but not all digits, which would be a sequence number.
pub fn is_snapshot_name(name: &str) -> bool {
    is_workspace_name(name) && !name.bytes().all(|byte| byte.is_ascii_digit())
}
