//! Random scripts: a few dozen names, so that calls meet the same nodes again and again.

use crate::player::{Operation, Player};
use vrift_tests::random::Random;

/// How often a family is chosen; what is not named here has 8.
const WEIGHTS: &[(&str, usize)] = &[
    ("open", 70),
    ("close", 30),
    ("write", 40),
    ("read", 25),
    ("stat", 20),
    ("lstat", 12),
    ("fstat", 20),
    ("fstatat", 12),
    ("statx", 6),
    ("unlink", 22),
    ("rename", 45),
    ("renameat2", 12),
    ("move", 4),
    ("link", 18),
    ("symlink", 14),
    ("mkdir", 30),
    ("rmdir", 10),
    ("chdir", 14),
    ("fopen", 12),
    ("utimensat", 10),
    ("realpath", 10),
    ("mkstemp", 6),
    ("opendir", 10),
    ("getcwd", 10),
    ("same", 10),
    ("tree", 1),
    ("exec", 1),
    ("spawn", 1),
    ("child", 1),
    ("closefrom", 1),
    ("glob", 3),
    ("ftw", 2),
    ("fts", 4),
    ("telldir", 3),
    ("talk", 4),
    ("library", 4),
    ("apart", 4),
    ("ids", 2),
    ("syncfs", 1),
    ("umask", 2),
    ("fsync", 1),
    ("inotify", 1),
    ("socket", 3),
    ("bind", 4),
    // Not for chance: what they say depends on the clock or the file system, or they end the script.
    ("set-up", 0),
    ("shell", 0),
    ("odd-newer", 0),
    ("odd-blocks", 0),
    ("pause", 0),
    ("handle", 0),
    ("tempnam", 1),
    ("proc", 3),
];

/// Families that may run in a thread with a small stack.
const THREADS: &[&str] = &[
    "open",
    "stat",
    "lstat",
    "fstatat",
    "statx",
    "access",
    "unlink",
    "unlinkat",
    "rename",
    "renameat2",
    "link",
    "symlink",
    "mkdir",
    "rmdir",
    "readlink",
    "realpath",
    "chmod",
    "fchmod",
    "utimensat",
    "opendir",
    "truncate",
    "close",
    "write",
    "fopen",
    "fclose",
    "getcwd",
];

/// Writes scripts for one player.
pub struct Generator<'p> {
    /// What decides.
    pub random: Random,
    /// Whether files get set-id bits, which an ordinary user loses at another moment than on a real directory.
    pub set_ids: bool,
    choices: Vec<(&'p Operation, usize)>,
    total: usize,
}

impl<'p> Generator<'p> {
    /// The generator of a seed.
    pub fn new(player: &'p Player, seed: u64) -> Generator<'p> {
        let mut choices = Vec::new();
        let mut total = 0;
        for operation in &player.operations {
            let known = WEIGHTS.iter().find(|(family, _)| *family == operation.family);
            let weight = known.map_or(8, |(_, weight)| *weight) * 60;
            let spellings =
                player.operations.iter().filter(|other| other.family == operation.family).count();
            total += weight / spellings.max(1);
            choices.push((operation, total));
        }
        Generator {
            random: Random::new(seed),
            set_ids: rustix::process::geteuid().is_root(),
            choices,
            total,
        }
    }

    /// A script of `length` lines; its last shows the whole tree.
    pub fn script(&mut self, length: usize) -> Vec<String> {
        // Not before: what cannot be read cannot be ingested.
        let mut lines = vec!["# random".to_owned(), "chmod secret 0".to_owned()];
        if !self.set_ids {
            lines.push("chmod sticky 0755".to_owned());
        }
        lines.extend((lines.len() + 1..length).map(|_| self.line()));
        lines.push("tree".to_owned());
        lines
    }

    fn line(&mut self) -> String {
        // Directories for the calls that take one, and files that stay open over what comes.
        if self.random.chance(30) {
            let (slot, path) = (8 + self.random.below(4), self.path());
            return format!("open {slot} {path} RDONLY|DIRECTORY 0");
        }
        if self.random.chance(40) {
            let (slot, path) = (self.random.below(8), self.path());
            return format!("open {slot} {path} RDWR|CREAT 0644");
        }
        // Back to where things are, and something there.
        if self.random.chance(20) {
            return "chdir @".to_owned();
        }
        if self.random.chance(25) {
            let (above, name) =
                (self.one(&["", "", "d0/", "d1/", "d2/"]), self.one(&["d0", "d1", "d2"]));
            return format!("mkdir @/{above}{name} 0755");
        }
        let drawn = self.random.below(self.total);
        let place = self.choices.partition_point(|(_, until)| *until <= drawn);
        let Some(operation) = self.choices.get(place).map(|(operation, _)| *operation) else {
            return "tree".to_owned();
        };
        let mut line = String::new();
        if self.random.chance(6) && operation.family != "tree" {
            line.push_str("touches ");
        } else if self.random.chance(4) && operation.family != "exec" {
            line.push_str("forked ");
        } else if self.random.chance(10) && THREADS.contains(&operation.family.as_str()) {
            line.push_str("threaded ");
        }
        line.push_str(&operation.name);
        for letter in operation.signature.chars() {
            line.push(' ');
            // Streams whose descriptor is closed behind their back are nobody's to say anything about.
            let closes = letter == 'f' && operation.family == "close";
            let letter = if closes { 'n' } else { letter };
            let word = self.argument(letter, operation);
            line.push_str(&word);
        }
        line
    }
}
