//! The integration tests: one binary, so that they share one PostgreSQL and one Redis.
//!
//! Each test starts its own Doorward on its own data (`support::world`); a test written with
//! `on_both_backends!` runs on SQLite with the in-process store and on PostgreSQL with Redis.
//!
//! | module | what it proves |
//! |---|---|
//! | `support` | not tests: private servers, the running Doorward, the browser-like client |
//! | `machinery` | the support itself: servers start, crash, restore and vanish; forms fill in |

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    reason = "tests fail by panicking, and nothing outside sees their helpers"
)]

#[macro_use]
mod support;

mod machinery;
