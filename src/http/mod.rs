//! The only place where actix appears, but for the sample apps of [`crate::demo`]: bytes to use cases and
//! back. `routes` says which file has which part of the URL map; start there.
//!
//! | module | job |
//! |---|---|
//! | `server`, `tls` | listening, serving and stopping; the jobs beside the requests |
//! | `routes`, `pipeline` | which file answers what, and what happens around every request |
//! | `site` | what this layer knows beside the use cases |
//! | `oidc` | the protocol endpoints, for apps |
//! | `sign_in`, `account` | the pages of a sign-in, and a person's own page |
//! | `console` | the pages below `/admin`, for administrators |
//! | `api`, `scim`, `programs` | interfaces for programs and for directories, and what both share |
//! | `gateway` | what reverse proxies ask |
//! | `ops` | what operators and their tools ask |
//! | `pages`, `render` | a struct for each template, and how it is filled from what a use case answered |
//! | `assets`, `branding` | what pages load: files compiled into the binary, and an installation's own look |
//! | `extract`, `presented`, `upload`, `client_certificate` | what is taken from a request |
//! | `cookies`, `csrf`, `fetch_metadata` | which browser it is, and whether a form is ours |
//! | `headers`, `error` | what every answer carries, and the ways to fail |
//! | `unread` | request bodies that are answered before they end |

mod account;
pub mod api;
mod assets;
mod branding;
mod client_certificate;
pub mod console;
mod cookies;
mod csrf;
mod error;
mod extract;
mod fetch_metadata;
mod gateway;
mod headers;
mod oidc;
mod ops;
pub mod pages;
mod pipeline;
mod presented;
mod programs;
mod render;
mod routes;
pub mod scim;
pub mod server;
mod sign_in;
mod site;
pub mod tls;
mod unread;
mod upload;
