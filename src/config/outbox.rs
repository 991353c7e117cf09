//! `[outbox]`: what other servers are told, such as that a person has signed out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Seconds;

/// Messages to the servers of apps, such as "this session has ended". They are kept until they
/// have arrived.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutboxSettings {
    /// Messages one node sends at the same time.
    #[schemars(range(min = 1, max = 64))]
    pub at_once: usize,
    /// Seconds before a message that did not arrive is sent again. Every further wait is twice as
    /// long, up to an hour.
    #[schemars(range(min = 1, max = 300))]
    pub first_retry: Seconds,
    /// Seconds after which a message that cannot be delivered is given up.
    #[schemars(range(min = 60, max = 2_592_000))]
    pub give_up_after: Seconds,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self { at_once: 16, first_retry: 2, give_up_after: 86_400 }
    }
}
