//! The use cases: load, ask `protocol`, save, audit. Console, command line and HTTP endpoints all
//! come through here, so a rule is written once. No HTTP type appears.
//!
//! Where to start reading: [`authorize`] for a sign-in, [`token`] for what a code becomes,
//! [`revocation`] for how things end.

pub mod access_token;
pub mod accounts;
pub mod audit;
pub mod audit_chain;
pub mod audit_verification;
pub mod authorize;
pub(crate) mod backchannel_logout;
mod client_assertion;
pub mod client_authentication;
mod client_certificate;
pub mod client_checks;
pub(crate) mod client_keys;
pub mod clients;
pub mod connections;
pub mod consent;
pub mod console_access;
pub mod device;
pub mod dpop;
pub mod encryption_keys;
pub mod envelope;
pub mod failure;
pub mod figures;
pub mod flow;
pub mod gateway;
pub mod health;
pub mod id_token_hint;
pub mod introspection;
pub mod keys;
pub mod links;
pub mod logout;
pub mod maintenance;
pub mod metadata_document;
pub mod outbox;
pub mod par;
pub mod people;
pub mod registration;
pub mod revocation;
pub mod session;
pub mod sign_in;
pub mod sign_up;
pub(crate) mod single_use;
mod software_statement;
pub mod start;
pub mod subject;
pub mod token;
pub mod token_revocation;
pub mod trusted_issuers;
pub mod userinfo;
