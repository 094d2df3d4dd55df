//! The built command from end to end, and the rules of the source tree.

mod commands;
mod documents;
mod fsck;
mod gc;
mod hooks;
mod ingest;
mod library;
mod limits;
mod origin;
mod run;
mod security;
mod tidy;
