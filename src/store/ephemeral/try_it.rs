//! Sign-ins that an administrator tries in the console: those under way, by the hash of their `state`, and what
//! came of the last one of each session. Both are sealed before they come here, since they hold secrets;
//! losing one costs another try.

use super::Ephemeral;
use crate::clock::Seconds;
use crate::protocol::types::SessionId;
use crate::store::error::StoreError;

/// Keeps a sign-in that begins.
pub async fn begin(
    ephemeral: &Ephemeral,
    state_hash: &str,
    (sealed, ttl): (&str, Seconds),
) -> Result<(), StoreError> {
    ephemeral.put(&attempt_key(state_hash), sealed, ttl).await
}

/// The sign-in under way; it stays.
pub async fn attempt(
    ephemeral: &Ephemeral,
    state_hash: &str,
) -> Result<Option<String>, StoreError> {
    ephemeral.get(&attempt_key(state_hash)).await
}

/// The sign-in under way, removed: of any number of callers one gets it.
pub async fn take_attempt(
    ephemeral: &Ephemeral,
    state_hash: &str,
) -> Result<Option<String>, StoreError> {
    ephemeral.take(&attempt_key(state_hash)).await
}

/// Keeps what came of it, in place of what was there.
pub async fn keep(
    ephemeral: &Ephemeral,
    session: &SessionId,
    (sealed, ttl): (&str, Seconds),
) -> Result<(), StoreError> {
    ephemeral.put(&outcome_key(session), sealed, ttl).await
}

/// What came of the last one of this session.
pub async fn kept(
    ephemeral: &Ephemeral,
    session: &SessionId,
) -> Result<Option<String>, StoreError> {
    ephemeral.get(&outcome_key(session)).await
}

/// Forgets what came of it.
pub async fn forget(ephemeral: &Ephemeral, session: &SessionId) -> Result<(), StoreError> {
    ephemeral.delete(&[&outcome_key(session)]).await
}

fn attempt_key(state_hash: &str) -> String {
    format!("try-it:{state_hash}")
}

fn outcome_key(session: &SessionId) -> String {
    format!("try-it-outcome:{session}")
}
