//! What is done to the directories, by programs that are on every machine.

use std::path::Path;

/// One program, and what may be seen if it is killed.
pub struct Operation {
    pub name: &'static str,
    /// The program and its arguments; `IN` and `OUT` are the directories.
    words: &'static str,
    /// Contents that a file of the tree may have between before and after.
    pub between: &'static [(&'static str, &'static [&'static str])],
    /// It takes several steps: each file may be as before or as after.
    pub steps: bool,
    /// Names that are left behind when it is killed begin like this.
    pub leaves: &'static [&'static str],
    /// It can be done again when it was killed halfway.
    pub again: bool,
}

const ONE: Operation =
    Operation { name: "", words: "", between: &[], steps: false, leaves: &[], again: true };

const MANY: Operation = Operation { steps: true, ..ONE };

/// A rename across the border, which SHORTCOMINGS says may leave a file.
const ACROSS: Operation = Operation { leaves: &[".vrift-"], ..ONE };

/// An empty file is what a program sees that has truncated it and has not written it yet.
const EMPTY: &[&str] = &[""];

pub const OPERATIONS: &[Operation] = &[
    Operation { name: "rename", words: "mv -T IN/file IN/moved", ..ONE },
    Operation { name: "rename-over", words: "mv -T IN/file IN/other", ..ONE },
    Operation { name: "rename-directory", words: "mv -T IN/tree IN/empty", ..ONE },
    Operation { name: "rename-in", words: "mv -T OUT/new IN/brought", ..ACROSS },
    Operation { name: "rename-in-over", words: "mv -T OUT/new IN/file", ..ACROSS },
    Operation { name: "rename-out", words: "mv -T IN/file OUT/taken", ..ACROSS },
    Operation { name: "rename-out-over", words: "mv -T IN/file OUT/present", ..ACROSS },
    Operation {
        name: "move-directory-in",
        words: "mv -T OUT/more IN/more",
        again: false,
        leaves: &[".vrift-"],
        between: &[("more/a", EMPTY), ("more/deep/b", EMPTY)],
        ..MANY
    },
    Operation {
        name: "move-directory-out",
        words: "mv -T IN/tree OUT/tree",
        again: false,
        leaves: &[".vrift-"],
        ..MANY
    },
    Operation {
        name: "rewrite",
        words: "cp --no-preserve=all OUT/new IN/file",
        between: &[("file", EMPTY)],
        ..ONE
    },
    Operation {
        name: "append",
        words: "dd status=none bs=1M if=OUT/new of=IN/file oflag=append conv=notrunc",
        ..ONE
    },
    Operation {
        name: "write-in-place",
        words: "dd status=none bs=1M if=OUT/present of=IN/file seek=3 oflag=seek_bytes conv=notrunc",
        ..ONE
    },
    Operation {
        name: "create",
        words: "cp --no-preserve=all OUT/new IN/made",
        between: &[("made", EMPTY)],
        ..ONE
    },
    Operation { name: "unlink", words: "rm IN/file", ..ONE },
    Operation { name: "unlink-one-of-two", words: "rm IN/twin", ..ONE },
    Operation { name: "mkdir", words: "mkdir IN/directory", ..ONE },
    Operation { name: "rmdir", words: "rmdir IN/empty", ..ONE },
    Operation { name: "link", words: "ln IN/file IN/linked", ..ONE },
    Operation { name: "symlink", words: "ln -s file IN/soft", ..ONE },
    Operation { name: "mkfifo", words: "mkfifo IN/pipe", ..ONE },
    Operation { name: "truncate", words: "truncate -s 3 IN/file", ..ONE },
    Operation { name: "touch", words: "touch -d @1200000000 IN/file", ..ONE },
    Operation { name: "chmod", words: "chmod 0600 IN/file", ..ONE },
    Operation {
        name: "copy-tree",
        words: "cp -aT OUT/more IN/copied",
        between: &[("copied/a", EMPTY), ("copied/deep/b", EMPTY)],
        ..MANY
    },
    Operation { name: "remove-tree", words: "rm -r IN/tree", ..MANY },
    Operation {
        name: "edit-by-rename",
        words: "sed -i s/was/is/ IN/file",
        leaves: &["sed"],
        ..ONE
    },
    Operation { name: "execute", words: "env IN/program", ..ONE },
    Operation { name: "execute-script", words: "env IN/script", ..ONE },
];

impl Operation {
    pub fn words(&self, inside: &Path, outside: &Path) -> Vec<String> {
        let word = |word: &str| {
            word.replace("IN", &inside.to_string_lossy()).replace("OUT", &outside.to_string_lossy())
        };
        self.words.split(' ').map(word).collect()
    }
}
