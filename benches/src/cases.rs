//! The cases, as data: shell commands, with `$V` for the command and the tree in `src`.

/// Something that is done natively and by us.
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// Done before each native run, not measured.
    pub native_before: &'static str,
    /// The native way.
    pub native: &'static str,
    /// Done before each of our runs, not measured.
    pub ours_before: &'static str,
    /// Our way.
    pub ours: &'static str,
    /// What the ratio must not exceed.
    pub goal: f64,
}

/// All cases.
pub const ALL: &[Case] = &[
    Case {
        name: "ingest, first: `cp -a` + `sync -f`",
        native_before: "rm -rf copy; sync; sleep 0.3",
        native: "cp -a src copy; sync -f copy",
        ours_before: "rm -rf store; sync; sleep 0.3",
        ours: "$V ingest src",
        goal: 1.0,
    },
    Case {
        name: "ingest, unchanged: `find -printf`",
        native_before: "$V ingest src",
        native: "find src -printf '%p %s %T@\\n'",
        ours_before: "",
        ours: "$V ingest src",
        goal: 2.0,
    },
    Case {
        name: "export: `cp -a` + `sync -f`",
        native_before: "rm -rf copy; sync; sleep 0.3",
        native: "cp -a src copy; sync -f copy",
        ours_before: "rm -rf out; sync; sleep 0.3",
        ours: "$V export src out",
        goal: 1.0,
    },
];
