//! The SSO session as it is read for each request.

use serde::{Deserialize, Serialize};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::types::{SessionId, UserId};

/// A session that is alive right now, as copied to the ephemeral store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSession {
    pub id: SessionId,
    pub user_id: UserId,
    pub auth_time: UnixTime,
    pub acr: String,
    pub amr: Vec<String>,
    pub idle_seconds: Seconds,
    /// The absolute limit; nothing extends it.
    pub expires_at: UnixTime,
    /// When SQL last said all this. A copy is worth nothing an hour later, however often it is used: it
    /// would outlive the tombstone that ends it.
    #[serde(default)]
    pub read_at: UnixTime,
    #[serde(skip)]
    pub secret_hash: String,
}
