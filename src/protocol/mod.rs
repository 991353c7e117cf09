//! The standard, as pure functions: values in, values out. No I/O, no clock, no randomness; `now`
//! and fresh secrets are arguments. One file or folder per subject, named as the specifications name it.
//!
//! Start with [`authorize`] (what a client asks for), [`interaction`] (what must happen next) and
//! [`token::grant`] (what a grant is worth at the token endpoint).

pub mod api;
pub mod app_roles;
pub mod authorize;
pub mod branding;
pub mod check;
pub mod claim_mapping;
pub mod client;
pub mod device;
pub mod discovery;
pub mod error;
pub mod fapi;
pub mod gateway;
pub mod interaction;
pub mod jose;
pub mod logout;
pub mod mailbox;
pub mod members;
pub mod organisation;
pub mod params;
pub mod password_policy;
pub mod plain_text;
pub mod profile_texts;
pub mod rights;
pub mod risk;
pub mod scim;
pub mod scope;
pub mod session;
pub mod session_data;
pub mod sign_up;
pub mod token;
pub mod types;
pub mod upstream;
pub mod user;
