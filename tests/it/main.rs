//! The integration tests: one binary, so that they share one PostgreSQL and one Redis.
//!
//! Each test starts its own Doorward on its own data (`support::world`); a test written with
//! `on_both_backends!` runs on SQLite with the in-process store and on PostgreSQL with Redis.
//!
//! | module | what it proves |
//! |---|---|
//! | `support` | not tests: private servers, the running Doorward, the browser-like client |
//! | `machinery` | the support itself: servers start, crash, restore and vanish; forms fill in |
//! | `fixtures`, `checks`, `forge` | not tests: people, clients, safe outcomes, forged tokens |
//! | `authorize`, `redirect_uri`, `pkce`, `client_auth` | who may ask for what, and where it is sent |
//! | `code`, `refresh`, `client_credentials` | the grants: spent once, by their owner, in time |
//! | `userinfo`, `introspection`, `revocation`, `logout` | tokens and sessions in use, and their end |
//! | `discovery`, `conformance_basic`, `form_post` | the OpenID certification plans, module by module |
//! | `relying_party` | the openidconnect crate as an independent client |
//! | `jwt_attacks` | forged and misused tokens, everywhere one is read |
//! | `login_form`, `csrf`, `headers`, `hostile_text` | the pages under attack |
//! | `malformed`, `startup` | nonsense on every route; starting wrong and for the first time |

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

mod authorize;
mod checks;
mod client_auth;
mod client_credentials;
mod code;
mod conformance_basic;
mod csrf;
mod discovery;
mod fixtures;
mod forge;
mod form_post;
mod headers;
mod hostile_text;
mod introspection;
mod jwt_attacks;
mod login_form;
mod logout;
mod machinery;
mod malformed;
mod pkce;
mod redirect_uri;
mod refresh;
mod relying_party;
mod revocation;
mod startup;
mod userinfo;
