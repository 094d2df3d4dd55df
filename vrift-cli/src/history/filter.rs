//! Which records concern a path.

use super::event::Event;
use super::names::Trace;

/// A path, and the node that has it at the moment that is looked from.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The path from the root; not empty.
    pub path: Vec<u8>,
    /// The node, if there is one.
    pub node: Option<u64>,
}

impl Filter {
    /// Whether an event touched the path or anything below it, or the node under whatever name it had then, or
    /// anything that was below that.
    pub fn admits(&self, event: &Event) -> bool {
        let of_node = |number: &u64| self.node == Some(*number);
        event.nodes.iter().any(of_node)
            || event
                .places
                .iter()
                .any(|place| place.above.iter().any(of_node) || self.is_at_or_above(place))
    }

    fn is_at_or_above(&self, place: &Trace) -> bool {
        let rest = place.path.strip_prefix(self.path.as_slice());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }
}
