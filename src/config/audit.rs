//! `[audit]`: how long the audit log is kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The audit log. It is only ever added to; the oldest events can be removed after a time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// Days after which events are removed; 0 keeps them for ever. What is left can still be
    /// verified.
    #[schemars(range(min = 0, max = 36_500))]
    pub retention_days: i64,
}
