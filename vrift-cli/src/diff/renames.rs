//! Finding out which of the removed and added are one thing with another name.

use std::collections::{HashMap, HashSet};

use vrift_cas::Digest;
use vrift_manifest::attributes::Kind;
use vrift_manifest::workspace::Config;

use super::compare::{Difference, aspects};
use super::side::{Item, Side};
use crate::error::Result;
use crate::located::Located;

/// Makes one difference of each pair of a removed and an added name that are the same thing.
pub fn pair(old: &Side, new: &Side, found: Vec<Difference>) -> Result<Vec<Difference>> {
    let (mut removed, mut added, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for difference in found {
        match (difference.old, difference.new) {
            (Some(item), None) => removed.push(Some(item)),
            (None, Some(item)) => added.push(Some(item)),
            (old, new) => rest.push(Difference { old, new, aspects: difference.aspects }),
        }
    }
    let mut pairs = Vec::new();
    if !removed.is_empty() && !added.is_empty() {
        let below = match (old, new) {
            (Side::Tree(old), Side::Tree(new)) => known_below(old, new)?,
            _ => 0,
        };
        by_node(below, &mut removed, &mut added, &mut pairs);
        by_content(old, new, &mut removed, &mut added, &mut pairs)?;
    }
    let moved: HashMap<Vec<u8>, Vec<u8>> = pairs
        .iter()
        .filter(|(before, _)| before.is_directory())
        .map(|(before, after)| (before.path.clone(), after.path.clone()))
        .collect();
    for (before, after) in pairs {
        let aspects = aspects(old, &before, new, &after)?;
        // What is in a directory moves with it: that is one rename, not a thousand.
        let carried = moved.get(before.parent()).is_some_and(|to| to == after.parent())
            && before.name() == after.name();
        if !carried || !aspects.is_empty() {
            rest.push(Difference { old: Some(before), new: Some(after), aspects });
        }
    }
    let single = |item: Option<Item>, added: bool| {
        let (old, new) = if added { (None, item) } else { (item, None) };
        Difference { old, new, aspects: Vec::new() }
    };
    rest.extend(removed.into_iter().filter(Option::is_some).map(|item| single(item, false)));
    rest.extend(added.into_iter().filter(Option::is_some).map(|item| single(item, true)));
    rest.sort_by(|one, other| one.path().cmp(other.path()));
    Ok(rest)
}

/// The number below which equal node numbers mean the same node in both.
pub fn known_below(old: &Located, new: &Located) -> Result<u64> {
    if old.workspace.name() == new.workspace.name() {
        return Ok(u64::MAX);
    }
    let (one, other) = (old.workspace.config()?, new.workspace.config()?);
    let Some(common) = last_common(&one, &other) else { return Ok(0) };
    if old.seq <= common || new.seq <= common {
        return Ok(u64::MAX);
    }
    // What was made in both after they parted has the same numbers by accident.
    let next = |located: &Located| located.workspace.view(common).map(|tree| tree.next_node());
    Ok(next(old).or_else(|_| next(new)).unwrap_or(0))
}

/// The last state that two histories have in common.
fn last_common(one: &Config, other: &Config) -> Option<u64> {
    let segments = |config: &Config| -> HashMap<_, u64> {
        let all = config.era.iter().flat_map(|era| &era.segment);
        all.map(|segment| (segment.id, segment.last.unwrap_or(u64::MAX))).collect()
    };
    let images = |config: &Config| -> HashSet<_> {
        config.era.iter().map(|era| (era.base, era.image)).collect()
    };
    let (ones, others) = (segments(one), segments(other));
    let by_segment =
        ones.iter().filter_map(|(id, last)| others.get(id).map(|other| *last.min(other)));
    let other_images = images(other);
    let by_image = images(one).into_iter().filter(|era| other_images.contains(era));
    by_segment.chain(by_image.map(|(base, _)| base)).max()
}

type Items = Vec<Option<Item>>;

fn by_node(below: u64, removed: &mut Items, added: &mut Items, pairs: &mut Vec<(Item, Item)>) {
    let mut places: HashMap<(u64, Kind), Vec<usize>> = HashMap::new();
    for (place, item) in added.iter().enumerate().rev() {
        if let Some(item) = item
            && let Some(node) = item.node.filter(|node| *node < below)
        {
            places.entry((node, item.kind)).or_default().push(place);
        }
    }
    for slot in removed.iter_mut() {
        let Some(item) = slot else { continue };
        let Some(node) = item.node else { continue };
        let place = places.get_mut(&(node, item.kind)).and_then(Vec::pop);
        if let Some(after) = place.and_then(|place| added.get_mut(place)).and_then(Option::take)
            && let Some(before) = slot.take()
        {
            pairs.push((before, after));
        }
    }
}

/// A content that exactly one name lost and exactly one name gained. Empty files are all alike.
fn by_content(
    old: &Side,
    new: &Side,
    removed: &mut Items,
    added: &mut Items,
    pairs: &mut Vec<(Item, Item)>,
) -> Result<()> {
    let sizes = |items: &Items| -> HashSet<u64> {
        items
            .iter()
            .flatten()
            .filter(|item| item.kind == Kind::File)
            .map(|item| item.size)
            .collect()
    };
    // Only what has the size of something on the other side is worth hashing.
    let both: HashSet<u64> = sizes(removed).intersection(&sizes(added)).copied().collect();
    let contents = |side: &Side, items: &Items| -> Result<HashMap<Digest, Vec<usize>>> {
        let mut found: HashMap<Digest, Vec<usize>> = HashMap::new();
        for (place, item) in items.iter().enumerate() {
            if let Some(item) = item
                && item.kind == Kind::File
                && item.size > 0
                && both.contains(&item.size)
                && let Some(digest) = side.digest(item)?
            {
                found.entry(digest).or_default().push(place);
            }
        }
        Ok(found)
    };
    let (lost, gained) = (contents(old, removed)?, contents(new, added)?);
    for (digest, from) in lost {
        let ([from], Some([to])) = (from.as_slice(), gained.get(&digest).map(Vec::as_slice)) else {
            continue;
        };
        if let (Some(before), Some(after)) = (
            removed.get_mut(*from).and_then(Option::take),
            added.get_mut(*to).and_then(Option::take),
        ) {
            pairs.push((before, after));
        }
    }
    Ok(())
}
