//! The integration tests: one binary, so that they share one PostgreSQL and one Redis.
//!
//! Each test starts its own Doorward on its own data (`support::world`); a test written with
//! `on_both_backends!` runs on SQLite with the in-process store and on PostgreSQL with Redis.
//!
//! | module | what it proves |
//! |---|---|
//! | `support` | not tests: private servers, the running Doorward, the browser-like client |
//! | `machinery` | the support itself: servers start, crash, restore and vanish; forms fill in |
//! | `fixtures`, `rp`, `answers`, `checks`, `forge` | not tests: people, clients, safe outcomes, forgeries |
//! | `authorize`, `redirect_uri`, `pkce`, `client_auth` | who may ask for what, and where it is sent |
//! | `code`, `refresh`, `client_credentials` | the grants: spent once, by their owner, in time |
//! | `grant_kit` | not tests: devices, and the clients of the further grants |
//! | `device` | a device without a browser: codes, page, polling, races |
//! | `token_exchange` | a service gets a token for the services behind it, and never more |
//! | `jwt_bearer` | workloads and people vouched for by issuers outside |
//! | `userinfo`, `introspection`, `revocation`, `logout` | tokens and sessions in use, and their end |
//! | `discovery`, `conformance_basic`, `conformance_dynamic`, `conformance_parameters`, `form_post` | the OpenID certification plans, module by module |
//! | `dpop_kit` | not tests: keys and proofs for the modules below |
//! | `fapi2_kit` | not tests: a client under the FAPI 2.0 profile, for the modules below |
//! | `fapi2_flow`, `fapi2_par`, `fapi2_token`, `fapi2_assertions`, `fapi2_dpop` | the FAPI 2.0 Security Profile plan, module by module |
//! | `fapi2_mtls` | the same with TLS certificates; tokens bound to them |
//! | `fapi2_message_signing` | the FAPI 2.0 Message Signing plan, module by module |
//! | `dpop`, `dpop_attacks` | tokens bound to a key; every defect a proof can have |
//! | `registration_kit` | not tests: a Doorward that lets apps register themselves, and such apps |
//! | `registration`, `conformance_registration` | apps register and look after themselves |
//! | `registration_attacks` | hostile URLs, words and statements of apps |
//! | `document_kit` | not tests: apps that a document describes |
//! | `metadata_documents` | apps whose id is the URL of a document |
//! | `document_clients` | such apps push requests and let devices in |
//! | `pairwise` | every sector knows a person by a name of its own |
//! | `claims_parameter`, `assurance` | claims by name; how strong a sign-in has to be |
//! | `accounts` | several people in one browser: added, chosen, named by an app, signed out |
//! | `resources`, `rich_requests` | tokens for one API only; authorization details |
//! | `protected_resources` | a server asks about the tokens for its resources, and nobody else does |
//! | `request_kit` | not tests: apps that sign or push their requests |
//! | `request_objects`, `request_object_attacks`, `par` | requests as signed objects, and pushed ones |
//! | `jarm` | authorization responses as signed JWTs |
//! | `encrypted_requests` | request objects only Doorward can read, and answers only the client can |
//! | `algorithms`, `encrypted` | each client's algorithms; signed and encrypted answers; the key set |
//! | `journal` | not tests: what an independent client was seen doing, held against `docs/clients.md` |
//! | `relying_party` | the openidconnect crate as an independent client |
//! | `jwt_attacks` | forged and misused tokens, everywhere one is read |
//! | `login_form`, `csrf`, `headers`, `hostile_text` | the pages under attack |
//! | `malformed`, `first_start` | nonsense on every route; the first administrator |
//! | `methods` | HEAD is GET without the body; other methods are told what there is |
//! | `flow_kit` | not tests: an app, people and a look into the database for the modules below |
//! | `races` | one code, one grant; one refresh token, one lineage, under fifty at once |
//! | `session_life` | the session cookie: renewed, protected, limited, listed and ended |
//! | `revocation_set` | whatever ends a lineage kills its tokens at once and for good |
//! | `redis_faults` | Redis and PostgreSQL fail, forget and come back with old data |
//! | `crash` | the server is killed twenty times under load and loses nothing it acknowledged |
//! | `keys`, `rotation` | keys rotate under load and are removed with all they signed |
//! | `cli_changes` | what a command changes reaches a running server |
//! | `logout_kit` | not tests: an app that is told of sign-outs |
//! | `backchannel_logout` | apps are told when a session ends, whatever fails meanwhile |
//! | `frontchannel_logout` | the browser loads the apps' sign-out pages; what sign-outs leave alone |
//! | `session_management` | apps notice another session; sign-ins that start here |
//! | `console_kit` | not tests: administrators, and what they make, for the modules below |
//! | `console` | every page and every change of the console, with plain forms |
//! | `console_rights` | each address with each role, operators and their betters, the last owner |
//! | `console_safety` | forged forms, links that change nothing, hostile words, sealed messages |
//! | `operations` | health, metrics, request ids, a clean log, an orderly stop, two nodes |
//! | `client_signer` | not tests: keys of apps and what apps sign, for the modules below |
//! | `client_assertion`, `client_jwks_uri` | private_key_jwt: good once, from the right key, wherever that is published |
//! | `mtls_kit` | not tests: a Doorward that asks for certificates, and clients that have some |
//! | `client_certificate` | tls_client_auth and self_signed_tls_client_auth: by TLS and by a proxy's header |
//! | `outbound_guard` | addresses that apps supply: what is reached, and what is given up on |
//! | `startup_errors` | every configuration mistake ends the start with one clear line |

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

mod accounts;
mod algorithms;
mod answers;
mod assurance;
mod authorize;
mod backchannel_logout;
mod checks;
mod claims_parameter;
mod cli_changes;
mod client_assertion;
mod client_auth;
mod client_certificate;
mod client_credentials;
mod client_jwks_uri;
mod client_signer;
mod code;
mod conformance_basic;
mod conformance_dynamic;
mod conformance_parameters;
mod conformance_registration;
mod console;
mod console_kit;
mod console_rights;
mod console_safety;
mod crash;
mod csrf;
mod device;
mod discovery;
mod document_clients;
mod document_kit;
mod dpop;
mod dpop_attacks;
mod dpop_kit;
mod encrypted;
mod encrypted_requests;
mod fapi2_assertions;
mod fapi2_dpop;
mod fapi2_flow;
mod fapi2_kit;
mod fapi2_message_signing;
mod fapi2_mtls;
mod fapi2_par;
mod fapi2_token;
mod first_start;
mod fixtures;
mod flow_kit;
mod forge;
mod form_post;
mod frontchannel_logout;
mod grant_kit;
mod headers;
mod hostile_text;
mod introspection;
mod jarm;
#[path = "../clients/journal.rs"]
mod journal;
mod jwt_attacks;
mod jwt_bearer;
mod keys;
mod login_form;
mod logout;
mod logout_kit;
mod machinery;
mod malformed;
mod metadata_documents;
mod methods;
mod mtls_kit;
mod operations;
mod outbound_guard;
mod pairwise;
mod par;
mod pkce;
mod protected_resources;
mod races;
mod redirect_uri;
mod redis_faults;
mod refresh;
mod registration;
mod registration_attacks;
mod registration_kit;
mod relying_party;
mod request_kit;
mod request_object_attacks;
mod request_objects;
mod resources;
mod revocation;
mod revocation_set;
mod rich_requests;
mod rotation;
mod rp;
mod session_life;
mod session_management;
mod startup_errors;
mod token_exchange;
mod userinfo;
