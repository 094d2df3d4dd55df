//! A JSON object whose members keep the order in which they were added.

use serde::Serialize;
use serde_json::{Map, Value};

use super::names;

/// One element of a JSON listing.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Row(Map<String, Value>);

impl Row {
    /// An object without members.
    pub fn new() -> Row {
        Row::default()
    }

    /// Adds a member.
    pub fn with(mut self, key: &str, value: impl Serialize) -> Row {
        // Only maps with keys that are no strings fail, and none is ever a value here.
        self.0.insert(key.to_string(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// Adds the members of `other` behind its own.
    pub fn and(mut self, other: Row) -> Row {
        self.0.extend(other.0);
        self
    }

    /// Adds a name or path. One that is not UTF-8 has replacement characters in `key`, and its exact bytes, as
    /// hexadecimal digits, in `key_hex`: nothing is lost, and the common case is a plain string.
    pub fn name(mut self, key: &str, name: &[u8]) -> Row {
        let text = String::from_utf8_lossy(name).into_owned();
        self.0.insert(key.to_string(), Value::String(text));
        if std::str::from_utf8(name).is_err() {
            self.0.insert(format!("{key}_hex"), Value::String(names::hex(name)));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_utf_8_is_not_lost() {
        let row = Row::new().name("path", b"a\xff").with("size", 3);
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(text, "{\"path\":\"a\u{fffd}\",\"path_hex\":\"61ff\",\"size\":3}");
    }
}
