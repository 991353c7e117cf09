//! `[redis]`: the shared fast copy of live sessions, codes and counters.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// The ephemeral store. Without Redis it is kept in this process, which is right for one node.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedisSettings {
    /// `redis://`, `rediss://` (TLS), `redis+cluster://HOST1,HOST2` or
    /// `redis+sentinel://HOST1,HOST2/NAME`. The variable `REDIS_URL` is read as well.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>", extend("x-default" = "empty: in this process"))]
    #[schemars(extend("writeOnly" = true))]
    pub url: Option<SecretString>,
}

impl RedisSettings {
    /// Schemes that name a Redis: alone, with TLS, as a cluster, behind sentinels.
    pub(super) const SCHEMES: [&'static str; 6] =
        ["redis", "rediss", "redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel"];
}
