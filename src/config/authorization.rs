//! `[authorization]`: what authorization requests may look like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Seconds;
use crate::protocol::authorize::authorization_details::DetailType;

/// What authorization requests may look like.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthorizationSettings {
    /// Accept only requests that the app has pushed (RFC 9126), from every app. A client may be
    /// held to it alone by its metadata.
    pub require_pushed_requests: bool,
    /// Seconds in which a pushed request must be taken to the sign-in page.
    #[schemars(range(min = 5, max = 599))]
    pub pushed_request_lifetime: Seconds,
    /// Requests that may be pushed in a minute from one network, for each app that keeps no secret
    /// or has registered itself. Others are known, and not counted.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub pushed_requests_per_minute: u32,
    /// Types of `authorization_details` (RFC 9396) that apps may be registered for. Each is a
    /// name, as in `account_information`, followed by the members it may have beside `locations`,
    /// `actions`, `datatypes`, `identifier` and `privileges`, as in
    /// `payment_initiation: instructedAmount creditorName`.
    #[schemars(with = "Vec<String>")]
    pub detail_types: Vec<DetailType>,
    /// Accounts that one browser may hold signed in for people to choose from.
    #[schemars(range(min = 1, max = 10))]
    pub accounts_per_browser: usize,
}

impl Default for AuthorizationSettings {
    fn default() -> Self {
        Self {
            require_pushed_requests: false,
            pushed_request_lifetime: 60,
            pushed_requests_per_minute: 300,
            detail_types: Vec::new(),
            accounts_per_browser: 5,
        }
    }
}
