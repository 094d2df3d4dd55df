//! What the command `vrift` is made of.
#![forbid(unsafe_code)]
