//! The use cases: load, ask `protocol`, save, audit. Console, command line and HTTP endpoints all
//! come through here, so a rule is written once. No HTTP type appears.
//!
//! Where to start reading: [`authorize`] for a sign-in, [`token`] for what a code becomes,
//! [`revocation`] for how things end.
//!
//! | module | job |
//! |---|---|
//! | `authorize` | authorization requests, pushed ones and devices too; consent, and the answer |
//! | `sign_in`, `risk` | signing in and sign-up; signs that a sign-in is not the person's own |
//! | `session` | the single sign-on session: made, read, renewed, ended, and its apps told |
//! | `token`, `revocation` | the token endpoint and what tokens are worth; how anything ends |
//! | `gateway` | what reverse proxies ask about each request to an app |
//! | `people`, `organisations` | accounts, groups, rights and links; organisations and who is in them |
//! | `clients`, `trusted_issuers` | apps, how they prove who they are, and whose assertions count as well |
//! | `upstream` | providers elsewhere at which people have an account |
//! | `keys` | the keys that sign and those that others encrypt with |
//! | `audit`, `webhooks` | the audit log, and endpoints that are told of its events |
//! | `mail`, `outbox`, `jobs` | letters; sending what waits; what administrators see of that and may do |
//! | `api` | who calls the REST API and SCIM, with which keys, and what must not happen twice |
//! | `declared`, `keycloak` | what a file declares; what a realm of Keycloak becomes |
//! | `backup` | backup, restore and copy |
//! | `settings`, `pictures` | settings that change while servers run; logos |
//! | `overview`, `figures`, `activity` | how things stand, counted, and hour by hour |
//! | `get_started`, `try_it` | first steps, and the app of Doorward's own that tries a sign-in |
//! | `configuration`, `doctor`, `health` | what the server runs with, and whether what it needs answers |
//! | `published` | what this provider says of itself to everybody |
//! | `served_issuers` | whether the issuer was another one before |
//! | `start`, `maintenance`, `hearing` | bringing it up, the work beside the requests, news of other nodes |
//! | `brake` | how often strangers may ask |
//! | `failure` | the ways to fail that are nobody's fault outside |

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
pub(crate) mod served_issuers;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod start;
pub mod token;
pub mod trusted_issuers;
pub mod try_it;
pub mod upstream;
pub mod webhooks;
