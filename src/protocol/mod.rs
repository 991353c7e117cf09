//! The standard, as pure functions: values in, values out. No I/O, no clock, no randomness; `now`
//! and fresh secrets are arguments. One file per subject, named as the specifications name it.

pub mod client;
pub mod scope;
pub mod types;
pub mod user;
