//! Walking a path in the model, with strings and copies.

use crate::posix::Model;

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub enum Goal {
    /// To a node.
    Node(u64),
    /// Out of the tree; what is left to walk.
    Outside(Vec<u8>),
    /// ENOENT.
    NotFound,
    /// ENOTDIR.
    NotDirectory,
    /// ELOOP.
    Loop,
    /// ENAMETOOLONG.
    TooLong,
}

const TYPE: u32 = 0o170000;

/// Walks `path` from the directory `start` of the tree mounted at `mount`.
pub fn walk(model: &Model, start: u64, path: &[u8], mount: &[u8], follow: bool) -> Goal {
    if path.is_empty() {
        return Goal::NotFound;
    }
    if path.len() > 4095 {
        return Goal::TooLong;
    }
    let mut left = path.to_vec();
    let mut at = start;
    let mut links = 0;
    let mut absolute = left[0] == b'/';
    if absolute && below(&left, mount).is_none() {
        // Whoever asks about a path outside gets it back, even if it would come in by `..`: to tell is his business.
        return outside(left);
    }
    loop {
        if absolute {
            match below(&left, mount) {
                Some(inside) => (at, left) = (1, inside.to_vec()),
                None => match back(mount, &left) {
                    Ok(inside) => (at, left) = (1, inside),
                    Err(left) => return outside(left),
                },
            }
            absolute = false;
        }
        while left.first() == Some(&b'/') {
            left.remove(0);
        }
        if left.is_empty() {
            return Goal::Node(at);
        }
        let end = left.iter().position(|&byte| byte == b'/').unwrap_or(left.len());
        let behind = left.split_off(end);
        let name = left;
        if model.nodes[&at].mode & TYPE != 0o040000 {
            return Goal::NotDirectory;
        }
        if name.len() > 255 {
            return Goal::TooLong;
        }
        let next = match &name[..] {
            b"." => at,
            b".." if at == 1 => {
                let above = mount.iter().rposition(|&byte| byte == b'/').expect("absolute");
                left = [&mount[..above], b"/", &behind].concat();
                absolute = true;
                continue;
            }
            b".." => model.holder(at).expect("nobody removed it meanwhile"),
            name => match model.nodes[&at].entries.get(name) {
                Some(next) => *next,
                None => return Goal::NotFound,
            },
        };
        let last = behind.iter().all(|&byte| byte == b'/');
        let node = &model.nodes[&next];
        if node.mode & TYPE == 0o120000 && (!last || follow || !behind.is_empty()) {
            links += 1;
            if links > 40 {
                return Goal::Loop;
            }
            left = [&node.target[..], &behind].concat();
            absolute = left[0] == b'/';
            continue;
        }
        if !behind.is_empty() && node.mode & TYPE != 0o040000 {
            return Goal::NotDirectory;
        }
        (at, left) = (next, behind);
    }
}

/// What of a path is below the mount path, by whole components.
fn below<'a>(path: &'a [u8], mount: &[u8]) -> Option<&'a [u8]> {
    path.strip_prefix(mount).filter(|inside| !matches!(inside, [byte, ..] if *byte != b'/'))
}

/// Where an absolute path comes to the mount path, by names and `..`: what follows there. If it does not, what is left of
/// it from the last directory above the tree.
fn back(mount: &[u8], path: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let mut above: Vec<u8> = vec![];
    let mut left = path.to_vec();
    loop {
        let slashes = left.iter().take_while(|&&byte| byte == b'/').count();
        let rest = left.split_off(slashes);
        let end = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        match name {
            b"" => return Err([&above[..], b"/"].concat()),
            b"." => {}
            b".." => {
                let end = above.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                above.truncate(end);
            }
            name => {
                let next = [&above[..], b"/", name].concat();
                let on_the_way = mount.strip_prefix(&next[..]);
                match on_the_way {
                    Some(b"") => return Ok(behind.to_vec()),
                    Some([b'/', ..]) => above = next,
                    _ => return Err([&above[..], b"/", &rest].concat()),
                }
            }
        }
        left = behind.to_vec();
    }
}

/// What is left must be a path that somebody can be asked to walk, its slashes in a row counted once.
fn outside(left: Vec<u8>) -> Goal {
    let left = one_slash(left);
    if left.len() > 4095 { Goal::TooLong } else { Goal::Outside(left) }
}

/// Several slashes are one.
pub fn one_slash(mut path: Vec<u8>) -> Vec<u8> {
    path.dedup_by(|one, other| *one == b'/' && *other == b'/');
    path
}
