//! The `vrift` command.

fn main() {}
