//! Doorward, a single-sign-on identity provider.
//!
//! Data comes in at `http`, goes down through `service` to `store` and `protocol`, and comes back
//! the same way. `docs/architecture.md` draws the house; `tests/architecture.rs` keeps it true.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod demo;
pub mod http;
pub mod outbound;
pub mod protocol;
pub mod service;
pub mod store;
pub mod telemetry;
