//! What each grant type alone decides. Everything shared (client authentication, `grant_type`,
//! issuing) is in [`crate::protocol::token`] and `service::token`, so no grant can forget it.

pub mod authorization_code;
pub mod client_credentials;
pub mod details;
pub mod device_code;
pub mod refresh_token;
pub mod token_exchange;
