//! Doorward, a single-sign-on identity provider.
//!
//! Data comes in at `http`, goes down through `service` to `store` and `protocol`, and comes back
//! the same way. `docs/architecture.md` draws the house; `tests/architecture.rs` keeps it true.
//!
//! To follow one request, start at `http/routes.rs`; to see what a standard demands, at
//! `protocol/mod.rs`; to see what is remembered and for how long, at `store/mod.rs`.

/// Everything a use case may need, made once at start, and what one process remembers.
pub mod app;
/// The command line: one file for each noun.
pub mod cli;
/// The time; nothing else reads the wall clock.
pub mod clock;
/// The settings: one file for each section, and where their values come from.
pub mod config;
/// Secrets, sealing, signatures, keys and passwords. The home of all cryptography.
pub mod crypto;
/// The two sample apps of `doorward demo`.
pub mod demo;
/// URLs, cookies, headers and pages. The only place that knows what a request is.
pub mod http;
/// Letters to people, and the way to the mail server.
pub mod mail;
/// Where a visit comes from, in words: browser, system and place.
pub mod origin;
/// The one HTTP client for addresses that apps and administrators supply.
pub mod outbound;
/// Pictures that people supply, decoded within limits and written anew.
pub mod pictures;
/// The standards as pure functions: values in, values out.
pub mod protocol;
/// What Doorward does: load, ask `protocol`, save, note in the audit log.
pub mod service;
/// How to connect well-known apps: the catalogue of `snippets/`, with values filled in.
pub mod snippets;
/// PostgreSQL or SQLite, and Redis or memory.
pub mod store;
/// The log, the metrics and request ids.
pub mod telemetry;
