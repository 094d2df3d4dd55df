//! The cases: what is missing, and what has to come of a build all the same.

/// What has to come of it.
pub enum Must {
    /// It succeeds, where it does natively.
    Succeed,
    /// It succeeds, or fails and says why: which of both, is up to the machine.
    MayFail,
    /// It fails, and this is among the words that it says.
    Refuse(&'static str),
}
use Must::{MayFail, Refuse, Succeed};

/// A build while something is missing.
pub struct Case {
    /// What is missing.
    pub name: &'static str,
    /// Where the store is to lie.
    pub prepare: &'static str,
    /// What goes missing once the tree is ingested.
    pub before: &'static str,
    /// What `vrift run` is given, and so the build; natively too.
    pub limit: &'static str,
    /// What the build alone is given; natively too.
    pub inside: &'static str,
    /// What takes it away again.
    pub after: &'static str,
    /// What has to come of it.
    pub must: Must,
}

const PLAIN: Case =
    Case { name: "", prepare: "", before: "", limit: "", inside: "", after: "", must: Succeed };

/// Where more may be missing than a store could do without, an error that says so is enough.
const ERROR: Case = Case { must: MayFail, ..PLAIN };

/// All of them.
pub const CASES: &[Case] = &[
    Case { name: "nothing is missing", ..PLAIN },
    Case { name: "a store on tmpfs", prepare: "small size=200m", ..PLAIN },
    Case {
        name: "a store on overlayfs",
        prepare: "small size=200m; mkdir $PLACE/lower $PLACE/upper $PLACE/work $PLACE/whole
            mount -t overlay -o lowerdir=$PLACE/lower,upperdir=$PLACE/upper,workdir=$PLACE/work none $PLACE/whole 2>/dev/null ||
                skip 'no overlayfs can be mounted'
            PLACE=$PLACE/whole",
        ..PLAIN
    },
    Case { name: "a store on ext4", prepare: "disk 64M mkfs.ext4 -q -F", ..PLAIN },
    Case { name: "a store on xfs", prepare: "disk 400M mkfs.xfs -q -f", ..PLAIN },
    Case { name: "a store on btrfs", prepare: "disk 200M mkfs.btrfs -q -f", ..PLAIN },
    Case {
        name: "a full disk (tmpfs)",
        prepare: "small size=40m",
        before: "fill $PLACE 40000",
        after: "rm $PLACE/filler",
        ..ERROR
    },
    Case {
        name: "a disk that is full to the last byte",
        prepare: "small size=40m",
        before: "fill $PLACE 0",
        after: "rm $PLACE/filler",
        must: Refuse("No space left on device"),
        ..PLAIN
    },
    Case {
        name: "a full disk (ext4)",
        prepare: "disk 64M mkfs.ext4 -q -F -m 0",
        before: "fill $PLACE 60000",
        after: "rm $PLACE/filler",
        ..ERROR
    },
    Case {
        name: "a full disk (xfs)",
        prepare: "disk 400M mkfs.xfs -q -f",
        before: "fill $PLACE 60000",
        after: "rm $PLACE/filler",
        ..ERROR
    },
    Case {
        name: "a full tmpfs for what does not outlive a restart",
        prepare: "mount -t tmpfs -o size=2m none runtime 2>/dev/null || skip 'no tmpfs can be mounted'",
        before: "fill runtime 0",
        after: "rm runtime/filler",
        ..ERROR
    },
    Case {
        name: "no inodes",
        prepare: "small size=100m,nr_inodes=700",
        before: "i=0; while touch $PLACE/i-$i 2>/dev/null; do i=$((i + 1)); done; rm -f $PLACE/i-[0-9]",
        after: "rm $PLACE/i-*",
        must: Refuse("No space left on device"),
        ..PLAIN
    },
    Case {
        name: "a store that becomes read-only",
        prepare: "small size=100m",
        before: "mount -o remount,ro $PLACE",
        after: "mount -o remount,rw $PLACE",
        must: Refuse("cannot be written"),
        ..PLAIN
    },
    Case { name: "files of 50 KiB at most", inside: "ulimit -f 100;", ..PLAIN },
    Case { name: "files of 50 KiB at most, for the run too", limit: "ulimit -f 100", ..ERROR },
    Case { name: "files of 4 MiB at most, for the run too", limit: "ulimit -f 8192", ..ERROR },
    // For the live index 512 MiB of addresses are set aside, and as much again by who changes the tree.
    Case { name: "2 GiB of addresses", limit: "ulimit -v 2000000", ..PLAIN },
    Case { name: "1 GiB of addresses", limit: "ulimit -v 1000000", ..ERROR },
    Case { name: "400 MiB of addresses", inside: "ulimit -v 400000;", ..ERROR },
    Case { name: "400 MiB of addresses, for the run too", limit: "ulimit -v 400000", ..ERROR },
    Case { name: "64 descriptors", limit: "ulimit -n 64", ..PLAIN },
    Case { name: "16 descriptors", limit: "ulimit -n 16", ..ERROR },
    Case { name: "stacks of 64 KiB", inside: "ulimit -s 64;", ..PLAIN },
    Case { name: "stacks of 64 KiB, for the run too", limit: "ulimit -s 64", ..PLAIN },
    Case {
        name: "no /proc",
        before: "mount -t tmpfs none /proc 2>/dev/null || skip 'nothing can be mounted over /proc'",
        after: "umount /proc",
        must: Refuse("Is /proc mounted?"),
        ..PLAIN
    },
    Case {
        name: "no tmpfs",
        prepare: "rmdir runtime; mkdir runtime.other; mount --bind runtime.other /dev/shm 2>/dev/null ||
                skip 'nothing can be mounted over /dev/shm'
            mount -o remount,bind,ro /dev/shm 2>/dev/null || skip '/dev/shm cannot be read-only'
            unset XDG_RUNTIME_DIR",
        ..PLAIN
    },
    Case {
        name: "no directory for temporary files",
        limit: "export TMPDIR=/nowhere",
        ..PLAIN
    },
    Case {
        name: "a store of an older version",
        before: "sed -i 's/^vrift store 1$/vrift store 0/' $VRIFT_HOME/format",
        after: "sed -i 's/^vrift store 0$/vrift store 1/' $VRIFT_HOME/format",
        must: Refuse("says version 0"),
        ..PLAIN
    },
    Case {
        name: "a store of a newer version",
        before: "sed -i 's/^vrift store 1$/vrift store 2/' $VRIFT_HOME/format",
        after: "sed -i 's/^vrift store 2$/vrift store 1/' $VRIFT_HOME/format",
        must: Refuse("has format 2"),
        ..PLAIN
    },
    Case {
        name: "a directory of the store that cannot be written",
        before: "[ \"$(id -u)\" -ne 0 ] || skip 'root writes everywhere'; chmod 0500 $VRIFT_HOME/staging $VRIFT_HOME/blobs",
        after: "chmod 0700 $VRIFT_HOME/staging $VRIFT_HOME/blobs",
        ..ERROR
    },
];
