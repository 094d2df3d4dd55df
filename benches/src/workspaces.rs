//! Whole workspaces beside what people take for that: copies, copies that share blocks, worktrees of git, overlays.

use std::io;
use std::path::Path;
use std::process::Stdio;

use crate::shell::{Case, Shell, Way, way};
use crate::table::{Goal, Table};
use crate::{Options, generate};

const SIDES: [&str; 6] = ["native", "again", "ours", "cp --reflink", "git", "overlayfs"];

/// What some of them need, tried once.
const TOOLS: [(&str, &str); 2] = [
    ("git", "git --version"),
    (
        "overlayfs",
        "mkdir -p try/l try/u try/w try/m; unshare -Urm mount -t overlay overlay -o lowerdir=try/l,upperdir=try/u,workdir=try/w,userxattr try/m",
    ),
];

/// Before all, not measured: the same tree as a workspace, as copies and as a repository.
const PREPARED: &str = "\
    cp -a src tree; cp -a src saved; $V ingest src; $V snapshot src base
    if git --version; then
        git init -q repo; cp -a src/. repo; cd repo
        git config user.name x; git config user.email x@x; git config gc.auto 0
        git add -A; git commit -qm base; git tag base
    fi";

/// One file is changed in it.
const CHANGE_OURS: &str = "$V run -w src -- sh -c \"echo $N >'$PWD/src/changed'\"";
const CHANGE_GIT: &str = "echo $N >repo/changed";
const CHANGE_TREE: &str = "echo $N >tree/changed";

const QUICKLY: Goal = Goal::Most(10e6);

const CASES: &[Case] = &[
    Case {
        name: "fork",
        what: "`cp -a`; a worktree; an overlay",
        goal: QUICKLY,
        processor: false,
        before: "sync",
        ways: &[
            way("native", "exec cp -a src copy-$N"),
            Way {
                side: "ours",
                before: "",
                run: "exec $V fork src fork-$N",
                check: "$V ls fork-$N | grep -q m00",
            },
            way("cp --reflink", "exec cp -a --reflink=auto src reflink-$N"),
            way("git", "exec git -C repo worktree add -q --detach ../worktree-$N"),
            Way {
                side: "overlayfs",
                before: "mkdir upper-$N work-$N over-$N",
                run: "exec unshare -Urm sh -ec \"mount -t overlay overlay -o lowerdir=src,upperdir=upper-$N,workdir=work-$N,userxattr over-$N; test -e over-$N/m00\"",
                check: "",
            },
        ],
    },
    Case {
        name: "snapshot",
        what: "of a tree with one file changed: `cp -al`; `git commit`",
        goal: QUICKLY,
        processor: false,
        before: "sync",
        ways: &[
            Way {
                side: "native",
                before: CHANGE_TREE,
                run: "exec cp -al tree links-$N",
                check: "test -e links-$N/changed",
            },
            Way {
                side: "ours",
                before: CHANGE_OURS,
                run: "exec $V snapshot src s-$N",
                check: "test \"$($V cat src@s-$N:changed)\" = $N",
            },
            Way {
                side: "git",
                before: CHANGE_GIT,
                run: "cd repo; git add -A; exec git commit -qm $N",
                check: "test \"$(git -C repo show HEAD:changed)\" = $N",
            },
        ],
    },
    Case {
        name: "ls",
        what: "of everything: `find`; `git ls-files`",
        goal: Goal::None,
        processor: false,
        before: "",
        ways: &[
            Way { side: "native", before: "", run: "exec find src", check: "grep -q file00.c" },
            Way { side: "ours", before: "", run: "exec $V find src", check: "grep -q file00.c" },
            Way {
                side: "git",
                before: "",
                run: "exec git -C repo ls-files",
                check: "grep -q file00.c",
            },
        ],
    },
    Case {
        name: "diff",
        what: "with one file changed: `diff -rq`; `git status`",
        goal: Goal::None,
        processor: false,
        before: "",
        ways: &[
            Way {
                side: "native",
                before: CHANGE_TREE,
                run: "diff -rq saved tree || [ $? = 1 ]",
                check: "grep -q changed",
            },
            Way {
                side: "ours",
                before: CHANGE_OURS,
                run: "exec $V diff src@base src",
                check: "grep -q changed",
            },
            Way {
                side: "git",
                before: "echo $N again >repo/changed",
                run: "exec git -C repo status --porcelain",
                check: "grep -q changed",
            },
        ],
    },
    Case {
        name: "reset",
        what: "with one file changed: `rsync -a --delete`; `git reset --hard`",
        goal: Goal::None,
        processor: false,
        before: "",
        ways: &[
            Way {
                side: "native",
                before: CHANGE_TREE,
                run: "exec rsync -a --delete saved/ tree/",
                check: "test ! -e tree/changed",
            },
            Way {
                side: "ours",
                before: CHANGE_OURS,
                run: "exec $V reset src src@base",
                check: "test -z \"$($V diff src@base src)\"",
            },
            Way {
                side: "git",
                before: CHANGE_GIT,
                run: "cd repo; git reset -q --hard base; exec git clean -fdq",
                check: "test ! -e repo/changed",
            },
        ],
    },
];

/// Measures all.
pub fn measure(room: &Path, options: &Options) -> io::Result<Table> {
    let (files, rounds) = (options.files(), options.rounds(3, 2));
    let mut table = Table::new("workspaces", "Whole workspaces", &SIDES);
    table.text = format!(
        "A tree of {files} files, rounds: {rounds}. Ours is on the disk when the command ends; of the others nothing is \
         waited for. Of an overlay only the mount is measured, not what each later access costs."
    );
    generate::source(&room.join("src"), files)?;
    let shell = Shell { room: room.to_owned(), vrift: options.vrift.clone() };
    shell.line(PREPARED, 0, Stdio::null())?;
    shell.measure(&mut table, CASES, &TOOLS, rounds);
    Ok(table)
}
