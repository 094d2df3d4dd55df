//! The words of a random script: a letter of a signature becomes an argument.

use crate::generate::Generator;
use crate::player::Operation;

/// Families in which a missing pointer is the kernel's to refuse, not libc's to read.
const WITHOUT_POINTER: &[&str] = &[
    "open",
    "stat",
    "lstat",
    "statx",
    "access",
    "unlink",
    "rename",
    "link",
    "symlink",
    "mkdir",
    "chmod",
    "chown",
    "truncate",
    "readlink",
    "chdir",
    "rmdir",
    "listxattr",
];

const NAMES: &[&str] = &[
    "a", "b", "c", "d", "e", "a", "b", "c", "d", "e", "d0", "d1", "d2", "l0", "l1", "l2", "l3",
    "l4", "l5", "secret", "rdonly", "sticky",
];

/// Names that mostly are directories, and links to some.
const DIRECTORIES: &[&str] = &["d0", "d1", "d2", "d0", "d1", "d2", "l1", "l4", "empty", "closed"];

impl Generator<'_> {
    /// One of some words.
    pub fn one(&mut self, list: &[&str]) -> String {
        (*self.random.pick(list)).to_owned()
    }

    /// An argument for a letter of a signature.
    pub fn argument(&mut self, letter: char, operation: &Operation) -> String {
        match letter {
            'p' => {
                let may = WITHOUT_POINTER.contains(&operation.family.as_str());
                if may && self.random.chance(3) { "NULL".to_owned() } else { self.path() }
            }
            'P' => self.one(&[
                "bin/say.sh",
                "bin/true",
                "bin/plain",
                "bin/noexec",
                "bin",
                "bin/missing-interpreter",
                "a",
                "true",
            ]),
            'n' => self.random.below(8).to_string(),
            'f' => match self.random.below(40) {
                0 => "bad".to_owned(),
                1 => "cwd".to_owned(),
                2 | 3 => format!("S{}", self.random.below(4)),
                4 | 5 => format!("D{}", self.random.below(4)),
                6..=8 => (8 + self.random.below(4)).to_string(),
                _ => self.random.below(8).to_string(),
            },
            'd' => match self.random.below(20) {
                0 => self.random.below(8).to_string(),
                1 => "bad".to_owned(),
                2..=8 => (8 + self.random.below(4)).to_string(),
                9 => format!("D{}", self.random.below(4)),
                _ => "cwd".to_owned(),
            },
            'F' | 'D' => self.random.below(4).to_string(),
            'o' => self.flags(true),
            'O' => self.flags(false),
            'm' => self.mode(),
            'M' => self.one(&["r", "w", "a", "r+", "w+", "a+", "wx", "rb", "re", "w+x", "ae"]),
            'b' => self.content(),
            // No more than the file system has room for beside a file, which is its own affair.
            'v' => self.one(&["''", "x", "{v*20}", "{v*100}", "#1:70000"]),
            'z' => self
                .one(&["0", "1", "5", "10", "100", "4096", "5000", "70000", "-1", "255", "3", "2"]),
            'w' => self.one(&["SET", "SET", "CUR", "END", "DATA", "HOLE", "77"]),
            '0' => self.one(&["NONE", "NONE", "KEEP_SIZE", "PUNCH_HOLE|KEEP_SIZE"]),
            'L' => self.one(&["APPEND", "NONBLOCK", "NONE", "APPEND|NONBLOCK"]),
            'K' => self.one(&["SH", "EX", "UN"]),
            'Q' => self.one(&["RDLCK", "WRLCK", "UNLCK"]),
            'A' => {
                self.one(&["F_OK", "F_OK", "R_OK", "W_OK", "X_OK", "R_OK|W_OK", "R_OK|X_OK", "8"])
            }
            'e' => self.one(&[
                "NONE",
                "NONE",
                "EACCESS",
                "SYMLINK_NOFOLLOW",
                "EACCESS|SYMLINK_NOFOLLOW",
                "EMPTY_PATH",
                "0x8000000",
            ]),
            'S' => self.one(&[
                "NONE",
                "NONE",
                "NONE",
                "SYMLINK_NOFOLLOW",
                "SYMLINK_NOFOLLOW",
                "EMPTY_PATH",
                "0x8000000",
            ]),
            'R' => self.one(&["NONE", "NONE", "NONE", "REMOVEDIR", "REMOVEDIR", "0x8000000"]),
            'r' => self.one(&[
                "NONE",
                "NOREPLACE",
                "NOREPLACE",
                "EXCHANGE",
                "EXCHANGE",
                "NOREPLACE|EXCHANGE",
                "0x8000000",
            ]),
            'l' => self.one(&["NONE", "NONE", "SYMLINK_FOLLOW", "EMPTY_PATH", "0x8000000"]),
            'T' => self.target(),
            'k' => self.one(&["REG", "REG", "FIFO", "SOCK", "CHR", "DIR", "0"]),
            't' => self.times(),
            'x' => self.one(&[
                "user.a",
                "user.b",
                "user.c",
                "user.{n*240}",
                "user.{n*260}",
                "user.",
                "odd",
                "''",
            ]),
            'X' => self.one(&["NONE", "NONE", "XATTR_CREATE", "XATTR_REPLACE", "8"]),
            'C' => self.one(&["NAME_MAX", "PATH_MAX", "NO_TRUNC", "CHOWN_RESTRICTED", "999"]),
            'q' => self.pattern(),
            'B' => self.one(&[
                "NONE",
                "GLOB_MARK",
                "GLOB_PERIOD",
                "GLOB_BRACE",
                "GLOB_NOCHECK",
                "GLOB_ONLYDIR",
            ]),
            'W' => self.one(&["NONE", "FTW_PHYS", "FTW_PHYS", "FTW_PHYS|FTW_DEPTH"]),
            'G' => self.one(&[
                "PHYSICAL",
                "PHYSICAL",
                "LOGICAL",
                "PHYSICAL|NOCHDIR",
                "PHYSICAL|NOCHDIR",
                "LOGICAL|NOCHDIR",
                "PHYSICAL|NOSTAT",
                "PHYSICAL|SEEDOT",
                "PHYSICAL|COMFOLLOW",
                "NONE",
            ]),
            'I' => self.one(&["-", "-", "AGAIN", "FOLLOW", "SKIP", "CHILDREN", "NAMES"]),
            'U' => self.one(&["022", "022", "0", "077", "027"]),
            'u' | 'g' => self.one(&["-1", "-1", "0", "1", "12345"]),
            other => unreachable!("a signature with '{other}'"),
        }
    }

    fn mode(&mut self) -> String {
        match self.random.below(20) {
            0 => self.one(&["0", "0444", "0200", "0100", "0555", "0311"]),
            1 if self.set_ids => self.one(&["01777", "02775", "04755", "06711"]),
            1 => "01777".to_owned(),
            _ => self.one(&["0644", "0755", "0600", "0700", "0777", "0666", "0640"]),
        }
    }

    fn flags(&mut self, create: bool) -> String {
        let mut flags = self.one(&["RDONLY", "RDONLY", "WRONLY", "RDWR", "RDWR", "ACCMODE"]);
        if flags == "ACCMODE" && !self.random.chance(100) {
            flags = "RDWR".to_owned();
        }
        let more: &[(&str, usize)] = &[
            ("CREAT", if create { 450 } else { 0 }),
            ("EXCL", if create { 120 } else { 0 }),
            ("TMPFILE", if create { 12 } else { 0 }),
            ("TRUNC", 180),
            ("APPEND", 130),
            ("DIRECTORY", 60),
            ("NOFOLLOW", 80),
            ("CLOEXEC", 150),
            ("PATH", 40),
            ("NONBLOCK", 250),
            ("SYNC", 5),
        ];
        for (name, thousandth) in more {
            if self.random.chance(*thousandth) {
                flags = format!("{flags}|{name}");
            }
        }
        flags
    }

    fn content(&mut self) -> String {
        match self.random.below(8) {
            0 => "#!/bin/sh%0aexit%207%0a".to_owned(),
            1 => format!("#{}:70000", self.random.below(4)),
            2 => "''".to_owned(),
            3 => format!("#{}:4096", self.random.below(9)),
            _ => format!("{{{}*{}}}", self.one(&["x", "yz", "w"]), 1 + self.random.below(50)),
        }
    }

    fn times(&mut self) -> String {
        let mut one = || match self.random.below(8) {
            0 => "now".to_owned(),
            1 => "omit".to_owned(),
            2 => "-5.500000000".to_owned(),
            3 => "4500000000.000000001".to_owned(),
            _ => format!(
                "{}.{:09}",
                1_000_000_000 + self.random.below(999),
                self.random.below(999_999_999)
            ),
        };
        let (first, second) = (one(), one());
        if self.random.chance(150) { "null null".to_owned() } else { format!("{first} {second}") }
    }

    fn target(&mut self) -> String {
        match self.random.below(16) {
            0 => "@".to_owned(),
            1 => "^".to_owned(),
            2 => "''".to_owned(),
            3 => format!("{{t*{}}}", self.one(&["59", "60", "255", "256", "4094", "4095", "4096"])),
            5 => format!("../{}", self.path()),
            6 => "^/x".to_owned(),
            _ => self.path(),
        }
    }

    fn pattern(&mut self) -> String {
        let tail = self.one(&[
            "*", "d*", "*/a", "?", "[a-c]", "d0/*", "d?/*", "l*", ".*", "{a,b}*", "none*", "*/*/*",
        ]);
        let tail = tail.replace('{', "%7b");
        if self.random.chance(250) { format!("@/{tail}") } else { tail }
    }

    fn name(&mut self) -> String {
        match self.random.below(120) {
            0 => "{n*255}".to_owned(),
            1 => "{n*256}".to_owned(),
            2 => ".hidden".to_owned(),
            3 => "a%20b".to_owned(),
            4 => "caf%e9".to_owned(),
            5 => "..".to_owned(),
            6 => ".".to_owned(),
            7 => "bin".to_owned(),
            _ => self.one(NAMES),
        }
    }

    /// A path.
    pub fn path(&mut self) -> String {
        match self.random.below(260) {
            0 => return "''".to_owned(),
            1 => return "{d0/../*900}a".to_owned(),
            2 => return "{./*600}a".to_owned(),
            3 => return "@".to_owned(),
            4 | 5 => return ".".to_owned(),
            6 => return "..".to_owned(),
            7 => return "@/".to_owned(),
            8 => return "^/x".to_owned(),
            9 => return "^".to_owned(),
            _ => {}
        }
        let depth = [1, 1, 1, 1, 1, 2, 2, 3][self.random.below(8)];
        let mut path = if self.random.chance(250) { "@/".to_owned() } else { String::new() };
        for at in 0..depth {
            if at > 0 {
                path.push_str(if self.random.chance(20) { "//" } else { "/" });
            }
            let above = at + 1 < depth && !self.random.chance(60);
            path.push_str(&if above { self.one(DIRECTORIES) } else { self.name() });
        }
        if self.random.chance(45) {
            path.push_str(&self.one(&["/", "/", "//", "/.", "/..", "/./"]));
        }
        path
    }
}
