//! What one process may remember between requests. Every entry is either immutable by nature (a
//! verified signature) or dropped when the catalogue version in SQL moves.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use crate::clock::UnixTime;
use crate::crypto::secret::SecretHash;
use crate::protocol::claims::AccessTokenClaims;
use crate::protocol::client::Client;
use crate::protocol::types::ClientId;

/// Clients read recently.
pub struct Known {
    clients: Cache<ClientId, Arc<Client>>,
    /// Clients that recently failed to authenticate, by throttle key.
    failed: Cache<String, ()>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            clients: Cache::new(10_000),
            failed: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_hours(1))
                .build(),
        }
    }
}

impl Known {
    /// The client, if it was read since the last change of any client.
    #[must_use]
    pub fn client(&self, id: &ClientId) -> Option<Arc<Client>> {
        self.clients.get(id)
    }

    /// Remembers a client.
    pub fn remember(&self, client: Arc<Client>) {
        self.clients.insert(client.id.clone(), client);
    }

    /// Whether this process has seen a failure under this throttle key within the hour.
    #[must_use]
    pub fn has_failed(&self, key: &str) -> bool {
        self.failed.contains_key(key)
    }

    /// Remembers a failure.
    pub fn note_failure(&self, key: &str) {
        self.failed.insert(key.to_owned(), ());
    }

    /// Forgets all: something changed.
    pub fn forget(&self) {
        self.clients.invalidate_all();
    }
}

/// Access tokens whose signature is known to be ours, by hash. Verifying ES256 costs as much as
/// three signatures, so it is done once; whether the token is revoked is asked every time.
pub struct VerifiedTokens(Cache<SecretHash, Arc<AccessTokenClaims>>);

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Cache::new(100_000))
    }
}

impl VerifiedTokens {
    /// The claims of a token verified before and not yet expired.
    #[must_use]
    pub fn get(&self, hash: &SecretHash, now: UnixTime) -> Option<Arc<AccessTokenClaims>> {
        let claims = self.0.get(hash)?;
        if claims.exp > now {
            return Some(claims);
        }
        self.0.invalidate(hash);
        None
    }

    /// Remembers a verified token.
    pub fn insert(&self, hash: SecretHash, claims: Arc<AccessTokenClaims>) {
        self.0.insert(hash, claims);
    }

    /// Forgets all: a signing key was removed.
    pub fn forget(&self) {
        self.0.invalidate_all();
    }
}
