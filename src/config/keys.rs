//! `[keys]`: signing and encryption keys, and when they change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Seconds;
use crate::protocol::types::{KeyEncryptionAlg, SigningAlg};

/// Signing keys. Every algorithm has one active key; its successor is published ahead of use.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeySettings {
    /// Algorithms to keep keys for. `RS256` is always among them, since every OpenID Connect
    /// client may count on it (OpenID Connect Discovery section 3).
    pub algorithms: Vec<SigningAlg>,
    /// How others may agree on a key when they encrypt something for Doorward, such as request
    /// objects; there is a published key for each. Empty means that nothing encrypted is accepted.
    pub encryption_algorithms: Vec<KeyEncryptionAlg>,
    /// Seconds a key signs before the next one takes over.
    #[schemars(range(min = 3600, max = 63_072_000))]
    pub rotate_every: Seconds,
    /// Seconds the next key is published before it signs, so that apps have fetched it by then.
    #[schemars(range(min = 300, max = 2_592_000))]
    pub publish_ahead: Seconds,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            algorithms: SigningAlg::ALL.to_vec(),
            encryption_algorithms: KeyEncryptionAlg::ALL.to_vec(),
            rotate_every: 7_776_000,
            publish_ahead: 86_400,
        }
    }
}
