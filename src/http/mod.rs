//! The only place where actix appears: bytes to use cases and back. [`routes`] is the whole URL map
//! on one page; start there.

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
