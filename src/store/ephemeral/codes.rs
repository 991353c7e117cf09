//! Authorization codes waiting to be redeemed. The payload lives here for a minute; the gate that
//! lets it be redeemed once is the grant's row in SQL.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ephemeral;
use crate::clock::Seconds;
use crate::store::error::StoreError;

/// Stores what a code stands for under the code's hash.
pub async fn put_code<T: Serialize>(
    ephemeral: &Ephemeral,
    code_hash: &str,
    payload: &T,
    ttl: Seconds,
) -> Result<(), StoreError> {
    let json = serde_json::to_string(payload).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    ephemeral.put(&payload_key(code_hash), &json, ttl).await
}

/// What the code stands for; `None` when it is unknown, expired or burnt.
pub async fn code<T: DeserializeOwned>(
    ephemeral: &Ephemeral,
    code_hash: &str,
) -> Result<Option<T>, StoreError> {
    let json = ephemeral.get(&payload_key(code_hash)).await?;
    json.map(|json| serde_json::from_str(&json).map_err(|e| StoreError::Corrupt(e.to_string())))
        .transpose()
}

/// Makes a code useless at once.
pub async fn burn(ephemeral: &Ephemeral, code_hash: &str) -> Result<(), StoreError> {
    ephemeral.delete(&[&payload_key(code_hash), &failures_key(code_hash)]).await
}

/// Counts a failed check of a code and returns how many there were; `ttl` is at least what the code
/// has left to live.
pub async fn count_failure(
    ephemeral: &Ephemeral,
    code_hash: &str,
    ttl: Seconds,
) -> Result<i64, StoreError> {
    ephemeral.increment(&failures_key(code_hash), ttl).await
}

fn payload_key(code_hash: &str) -> String {
    format!("code:{code_hash}")
}

fn failures_key(code_hash: &str) -> String {
    format!("code-failures:{code_hash}")
}
