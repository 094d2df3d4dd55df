//! Each command from end to end.

mod cat;
mod list;
mod log;
mod ls;
mod names;
mod stat;
