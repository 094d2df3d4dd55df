//! Trees into stores and out of them again, beside other stores.

use std::io;
use std::path::Path;
use std::process::Stdio;

use crate::shell::{Case, Shell, Way};
use crate::table::{Goal, Table};
use crate::{Options, generate};

const SIDES: [&str; 6] = ["native", "again", "ours", "git", "ostree", "casync"];

const TOOLS: [(&str, &str); 3] =
    [("git", "git --version"), ("ostree", "ostree --version"), ("casync", "casync --version")];

/// Contents that are read: 128 MiB in four files.
const BIG: &str = "mkdir big; for n in 1 2 3 4; do head -c 32M /dev/urandom >big/$n; done";

/// Stores that have the tree already, each made by the first who needs it.
const HAS_GIT: &str =
    "[ -d git ] || { git init -q --bare git; git --git-dir=git --work-tree=src add -A; }";
const HAS_OSTREE: &str = "[ -d ostree ] || { ostree init --repo=ostree --mode=bare-user; ostree commit --repo=ostree -b main --tree=dir=src; }";
const HAS_CASYNC: &str = "[ -d casync.castr ] || casync make --store=casync.castr casync.caidx src";
const SAME: &str = "diff -r src out-$N";

const fn checked(
    side: &'static str,
    before: &'static str,
    run: &'static str,
    check: &'static str,
) -> Way {
    Way { side, before, run, check }
}

const CASES: &[Case] = &[
    Case {
        name: "ingest",
        what: "first, and on the disk: `cp -a` + `sync -f`",
        goal: Goal::Ratio(1.0),
        processor: false,
        before: "sync; sleep 0.3",
        ways: &[
            checked("native", "", "cp -a src copy-$N; exec sync -f copy-$N", "test -d copy-$N/m00"),
            checked(
                "ours",
                "",
                "VRIFT_HOME=$PWD/store-$N exec $V ingest src",
                "VRIFT_HOME=$PWD/store-$N $V ls src | grep -q m00",
            ),
            checked(
                "git",
                "git init -q --bare git-$N",
                "git --git-dir=git-$N --work-tree=src add -A; exec sync -f git-$N",
                "test -e git-$N/index",
            ),
            checked(
                "ostree",
                "ostree init --repo=ostree-$N --mode=bare-user",
                "ostree commit --repo=ostree-$N -b main --tree=dir=src; exec sync -f ostree-$N",
                "ostree ls --repo=ostree-$N main | grep -q m00",
            ),
            checked(
                "casync",
                "",
                "casync make --store=casync-$N.castr casync-$N.caidx src; exec sync -f casync-$N.caidx",
                "test -e casync-$N.caidx",
            ),
        ],
    },
    Case {
        name: "ingest again",
        what: "nothing has changed: `find -printf`",
        goal: Goal::Ratio(2.0),
        processor: false,
        before: "",
        ways: &[
            checked("native", "", "exec find src -printf '%p %s %T@\\n'", "grep -q file00.c"),
            checked("ours", "$V ingest src", "exec $V ingest src", "$V ls src | grep -q m00"),
            checked("git", HAS_GIT, "exec git --git-dir=git --work-tree=src add -A", ""),
            checked(
                "ostree",
                HAS_OSTREE,
                "exec ostree commit --repo=ostree -b main --tree=dir=src",
                "",
            ),
            checked(
                "casync",
                HAS_CASYNC,
                "exec casync make --store=casync.castr casync.caidx src",
                "",
            ),
        ],
    },
    Case {
        name: "export",
        what: "and on the disk: `cp -a` + `sync -f`",
        goal: Goal::Ratio(1.0),
        processor: false,
        before: "sync; sleep 0.3",
        ways: &[
            checked("native", "", "cp -a src out-$N; exec sync -f out-$N", SAME),
            checked("ours", "[ -d store ] || $V ingest src", "exec $V export src out-$N", SAME),
            checked(
                "git",
                HAS_GIT,
                "cd src; git --git-dir=../git --work-tree=. checkout-index -a --prefix=../out-$N/; exec sync -f ../out-$N",
                SAME,
            ),
            checked(
                "ostree",
                HAS_OSTREE,
                "ostree checkout --repo=ostree -U --force-copy main out-$N; exec sync -f out-$N",
                SAME,
            ),
            checked(
                "casync",
                HAS_CASYNC,
                "casync extract --store=casync.castr casync.caidx out-$N; exec sync -f out-$N",
                SAME,
            ),
        ],
    },
    Case {
        name: "fsck",
        what: "of 128 MiB, processor time: `sha256sum`",
        // A GiB a second and processor.
        goal: Goal::Most(0.125e9),
        processor: true,
        before: "[ -d store-big ] || VRIFT_HOME=$PWD/store-big $V ingest big",
        ways: &[
            checked("native", "", "exec sha256sum big/1 big/2 big/3 big/4", "grep -q big/4"),
            checked("ours", "", "VRIFT_HOME=$PWD/store-big exec $V fsck", ""),
        ],
    },
];

/// Measures all.
pub fn measure(room: &Path, options: &Options) -> io::Result<Table> {
    let (files, rounds) = (options.files(), options.rounds(3, 2));
    let mut table = Table::new("transfer", "Into a store and out of it", &SIDES);
    table.text = format!(
        "A tree of {files} files, rounds: {rounds}. What comes out is compared with the tree, byte by byte."
    );
    generate::source(&room.join("src"), files)?;
    let shell = Shell { room: room.to_owned(), vrift: options.vrift.clone() };
    shell.line(BIG, 0, Stdio::null())?;
    shell.measure(&mut table, CASES, &TOOLS, rounds);
    Ok(table)
}
