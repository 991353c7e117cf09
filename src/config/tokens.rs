//! `[tokens]`: how long codes and tokens live, and what proofs of possession need.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Seconds;

/// Lifetimes of codes and tokens, in seconds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenSettings {
    /// An authorization code, from sign-in to redemption.
    #[schemars(range(min = 5, max = 60))]
    pub authorization_code_lifetime: Seconds,
    /// An access token. A client may have its own lifetime.
    #[schemars(range(min = 60, max = 3600))]
    pub access_token_lifetime: Seconds,
    /// An ID token. It proves a sign-in; it is not a session.
    #[schemars(range(min = 60, max = 3600))]
    pub id_token_lifetime: Seconds,
    /// A refresh token that is not used.
    #[schemars(range(min = 300, max = 31_536_000))]
    pub refresh_idle: Seconds,
    /// All refresh tokens of one sign-in, used or not.
    #[schemars(range(min = 300, max = 31_536_000))]
    pub refresh_absolute: Seconds,
    /// A refresh token with `offline_access` that is not used.
    #[schemars(range(min = 300, max = 31_536_000))]
    pub offline_idle: Seconds,
    /// All refresh tokens with `offline_access` of one sign-in, used or not.
    #[schemars(range(min = 300, max = 31_536_000))]
    pub offline_absolute: Seconds,
    /// How long the refresh token before the current one is answered with the same successor, for
    /// apps that refresh twice at once or lose an answer. 0 makes every second use a theft.
    #[schemars(range(min = 0, max = 60))]
    pub refresh_grace: Seconds,
    /// The codes of a device that waits to be let in (RFC 8628).
    #[schemars(range(min = 5, max = 1800))]
    pub device_code_lifetime: Seconds,
    /// How long a device waits between two questions.
    #[schemars(range(min = 1, max = 60))]
    pub device_poll_interval: Seconds,
    /// Whether DPoP proofs need a nonce of Doorward's: `required` costs each app one more round trip
    /// every few minutes and stops proofs made in advance; `optional` relies on their time alone.
    pub dpop_nonce: DpopNonces,
    /// How many services may act for each other in one token (RFC 8693).
    #[schemars(range(min = 1, max = 16))]
    pub exchange_depth: usize,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            authorization_code_lifetime: 60,
            access_token_lifetime: 600,
            id_token_lifetime: 600,
            refresh_idle: 28_800,
            refresh_absolute: 2_592_000,
            offline_idle: 2_592_000,
            offline_absolute: 7_776_000,
            refresh_grace: 10,
            device_code_lifetime: 600,
            device_poll_interval: 5,
            dpop_nonce: DpopNonces::Optional,
            exchange_depth: 4,
        }
    }
}

/// Whether DPoP proofs need a nonce (RFC 9449 section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DpopNonces {
    #[default]
    Optional,
    Required,
}
