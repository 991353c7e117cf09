//! The use cases: load, ask `protocol`, save, audit. Console, command line and HTTP endpoints all
//! come through here, so a rule is written once. No HTTP type appears.
//!
//! Where to start reading: [`authorize`] for a sign-in, [`token`] for what a code becomes,
//! [`revocation`] for how things end.

pub mod activity;
pub mod api;
pub mod audit;
pub mod authorize;
pub mod backup;
pub(crate) mod brake;
pub mod clients;
pub mod configuration;
pub mod declared;
pub mod doctor;
pub mod failure;
pub mod figures;
pub mod gateway;
pub mod get_started;
pub mod health;
pub mod hearing;
pub mod jobs;
pub mod keycloak;
pub mod keys;
pub mod mail;
pub mod maintenance;
pub mod master_key;
pub mod organisations;
pub mod outbox;
pub mod overview;
pub mod people;
pub mod pictures;
pub mod published;
pub mod revocation;
pub mod risk;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod start;
pub mod token;
pub mod trusted_issuers;
pub mod try_it;
pub mod upstream;
pub mod webhooks;
