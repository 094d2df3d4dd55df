//! Names: of workspaces and snapshots, as people type them, and of the file of a live index.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::places;
use crate::session::Decimal;
use crate::shm::Inode;

/// The name of the live index of an epoch, in the workspace whose control page is that inode. Each process that attaches needs
/// it, and most have nothing else to write by `format!`, which is not for nothing.
pub fn index(id: &str, control: Inode, epoch: u64) -> OsString {
    let mut name = Vec::with_capacity(128);
    name.extend_from_slice(b"index-");
    name.extend_from_slice(id.as_bytes());
    for number in [control.device, control.number] {
        name.push(b'-');
        push_hex(&mut name, number);
    }
    name.push(b'.');
    name.extend_from_slice(Decimal::of(epoch).bytes());
    OsString::from_vec(name)
}

/// A number in hexadecimal digits, without zeros before it.
fn push_hex(text: &mut Vec<u8>, number: u64) {
    let digits = (64 - number.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = (number >> (4 * place)) as usize & 15;
        text.extend(b"0123456789abcdef".get(digit));
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_index_has_its_numbers_in_hexadecimal_and_decimal() {
        for number in [0, 1, 15, 16, 0xfe00, 0x9e_6cb8, u64::MAX] {
            let name = index("id", Inode { device: number, number: 0xabc }, number);
            assert_eq!(name, *format!("index-id-{number:x}-abc.{number}"));
        }
    }
}
