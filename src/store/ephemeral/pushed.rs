//! Pushed authorization requests (RFC 9126) waiting for the person's browser. Losing one costs a new
//! push; using one twice grants nothing that the person in the browser would not be asked for again.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ephemeral;
use crate::clock::Seconds;
use crate::store::error::StoreError;

/// Stores a request under the hash of its name.
pub async fn put<T: Serialize>(
    ephemeral: &Ephemeral,
    hash: &str,
    (request, ttl): (&T, Seconds),
) -> Result<(), StoreError> {
    let json = serde_json::to_string(request).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    ephemeral.put(&request_key(hash), &json, ttl).await
}

/// The request; `None` when it is unknown, expired or spent.
pub async fn get<T: DeserializeOwned>(
    ephemeral: &Ephemeral,
    hash: &str,
) -> Result<Option<T>, StoreError> {
    let json = ephemeral.get(&request_key(hash)).await?;
    json.map(|json| serde_json::from_str(&json).map_err(|e| StoreError::Corrupt(e.to_string())))
        .transpose()
}

/// Uses a request up; `false` when it was before. `memory` is at least as long as any page that was
/// shown for it can be answered.
pub async fn spend(ephemeral: &Ephemeral, hash: &str, memory: Seconds) -> Result<bool, StoreError> {
    let first = ephemeral.put_new(&format!("par:{hash}:spent"), "1", memory).await?;
    if first {
        ephemeral.delete(&[&request_key(hash)]).await?;
    }
    Ok(first)
}

fn request_key(hash: &str) -> String {
    format!("par:{hash}")
}
