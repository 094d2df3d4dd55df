//! `vrift run` and `vrift env`: a command with a workspace around it.
//!
//! Where the preloaded library was not built these run with a library that changes nothing: what they are about is the
//! process that stays outside.

mod before;
mod behind;
mod directory;
mod env;
mod exit;
mod left;
mod libraries;
mod signals;
mod terminal;
mod unseen;
mod verify;
mod writes;
