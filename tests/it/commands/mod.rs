//! Each command from end to end.

mod cat;
mod list;
mod ls;
mod names;
