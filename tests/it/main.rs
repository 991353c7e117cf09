//! The integration tests: one binary, so that they share one PostgreSQL and one Redis.
//!
//! Each test starts its own Doorward on its own data (`support::world`); a test written with
//! `on_both_backends!` runs on SQLite with the in-process store and on PostgreSQL with Redis.
//!
//! | folder | what is in it |
//! |---|---|
//! | `support` | private servers, a running Doorward, a browser without a screen |
//! | `kit` | not tests: people, apps and peers that the tests are made with |
//! | `authorize` | the authorization request: who may ask for what, how it may be asked, and where the answer goes |
//! | `tokens` | tokens: how they are got, what they are worth, and what ends them |
//! | `apps` | apps: how they prove who they are, and how they come to be known |
//! | `fapi2` | the FAPI 2.0 plans, module by module |
//! | `session` | sessions of people: signing in, staying, choosing, leaving |
//! | `gateway` | the check for apps that speak no OpenID Connect |
//! | `console` | the web console for administrators |
//! | `api` | the REST API for administrators' programs |
//! | `scim` | SCIM, by which a directory provisions people and groups |
//! | `running` | the program as it runs: starts, changes, failures, floods and nonsense |

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

#[path = "../clients/journal.rs"]
mod journal;

mod api;
mod apps;
mod authorize;
mod console;
mod fapi2;
mod gateway;
mod kit;
mod running;
mod scim;
mod session;
mod tokens;
