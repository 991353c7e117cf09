//! Independent clients: libraries that others wrote, used as their documentation says, against a
//! running Doorward.
//!
//! | module | what it proves |
//! |---|---|
//! | `support`, `driver` | not tests: the running Doorward and Chromium, shared with the other tests |
//! | `apps` | not tests: a client app as a process of its own, and a person who uses it |
//! | `journal` | not tests: what a client was seen doing, held against `docs/clients.md` |
//! | `encryption` | jose (Node) and joserfc (Python) read what Doorward encrypts, and the other way round |
//! | `web_apps` | openid-client (Node) and Authlib (Python) through a whole session |
//! | `hardened` | openid-client with everything on: pushed and signed requests, DPoP, JWT responses |
//! | `mcp` | the client of the Model Context Protocol SDK: discovery, registration or its document, resource |
//! | `scim` | scim2-client provisions people and groups; scim2-tester tries the server |
//! | `spa` | oidc-client-ts in real Chromium, a public client in the browser |
//!
//! The openidconnect crate signs in too, in the integration tests and in the demo.
//! `scripts/test-setup` installs what is needed, from the lock files here.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and nothing outside sees their helpers"
)]

#[path = "../it/support/mod.rs"]
#[macro_use]
mod support;

#[path = "../browser/support/mod.rs"]
mod driver;

mod apps;
mod encryption;
mod hardened;
mod journal;
mod mcp;
mod scim;
mod spa;
mod web_apps;
