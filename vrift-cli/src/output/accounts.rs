//! Names of users and groups, as the files of this machine have them.
//!
//! Names that only a directory service knows are shown as numbers: asking one needs the C library's own lookup.

use std::collections::HashMap;
use std::fs;

/// Names by number.
#[derive(Debug, Default)]
pub struct Accounts {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Accounts {
    /// No names at all: everything is shown as a number.
    pub fn none() -> Accounts {
        Accounts::default()
    }

    /// The names in `/etc/passwd` and `/etc/group`.
    pub fn of_machine() -> Accounts {
        Accounts { users: names(&read("/etc/passwd")), groups: names(&read("/etc/group")) }
    }

    /// A user's name, or the number.
    pub fn user(&self, uid: u32) -> String {
        self.users.get(&uid).cloned().unwrap_or_else(|| uid.to_string())
    }

    /// A group's name, or the number.
    pub fn group(&self, gid: u32) -> String {
        self.groups.get(&gid).cloned().unwrap_or_else(|| gid.to_string())
    }
}

fn read(path: &str) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Lines `name:password:number:...`; of several names of a number the first counts.
fn names(text: &str) -> HashMap<u32, String> {
    let mut found = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(number)) = (fields.next(), fields.nth(1)) else { continue };
        let plain = !name.is_empty() && !name.chars().any(|letter| letter.is_control());
        if let (true, Ok(number)) = (plain, number.parse()) {
            found.entry(number).or_insert_with(|| name.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_number_counts_and_other_lines_are_passed_over() {
        let found = names("root:x:0:0::/root:/bin/sh\ntoor:x:0:\n# no account\nme:x:12:\n::13:\n");
        assert_eq!(found.get(&0).map(String::as_str), Some("root"));
        assert_eq!(found.get(&12).map(String::as_str), Some("me"));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn who_has_no_name_is_a_number() {
        assert_eq!(Accounts::none().user(4_294_967_294), "4294967294");
    }
}
