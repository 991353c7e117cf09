//! The standard, as pure functions: values in, values out. No I/O, no clock, no randomness; `now`
//! and fresh secrets are arguments. One file per subject, named as the specifications name it.
//!
//! Start with [`authorize`] (what a client asks for), [`interaction`] (what must happen next) and
//! [`grant`] (what a grant is worth at the token endpoint).

pub mod acr;
pub mod algorithms;
pub mod authorization_details;
pub mod authorize;
pub mod claims;
pub mod claims_request;
pub mod client;
pub mod client_assertion;
pub mod client_auth;
pub mod client_certificate;
pub mod client_metadata;
pub mod device;
pub mod discovery;
pub mod distinguished_name;
pub mod dpop;
pub mod error;
pub mod fapi;
pub mod frontchannel_logout;
pub mod gateway;
pub mod grant;
pub mod initiate_login;
pub mod interaction;
pub mod jwk_set;
pub mod jwt_claims;
pub mod logout;
pub mod logout_token;
pub mod metadata_document;
pub mod params;
pub mod password_policy;
pub mod pkce;
pub mod plain_text;
pub mod redirect_uri;
pub mod registration;
pub mod reply;
pub mod request_object;
pub mod scope;
pub mod sender_constraint;
pub mod session_state;
pub mod sign_up;
pub mod strict_json;
pub mod subject;
pub mod target;
pub mod token;
pub mod trusted_issuer;
pub mod types;
pub mod user;
