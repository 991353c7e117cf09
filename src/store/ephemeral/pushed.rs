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

/// Uses a request up; gives what used it up before, if anything did. `memory` is at least as long as
/// any page that was shown for it can be answered.
pub async fn spend(
    ephemeral: &Ephemeral,
    hash: &str,
    (by, memory): (&str, Seconds),
) -> Result<Option<String>, StoreError> {
    let key = format!("par:{hash}:spent");
    if ephemeral.put_new(&key, by, memory).await? {
        ephemeral.delete(&[&request_key(hash)]).await?;
        return Ok(None);
    }
    // What has expired in between was spent all the same.
    Ok(Some(ephemeral.get(&key).await?.unwrap_or_default()))
}

fn request_key(hash: &str) -> String {
    format!("par:{hash}")
}
