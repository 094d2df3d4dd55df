//! Each command from end to end.

mod bad_input;
mod blame;
mod cat;
mod diff;
mod doctor;
mod list;
mod log;
mod ls;
mod machine;
mod names;
mod reset;
mod stat;
mod survey;
