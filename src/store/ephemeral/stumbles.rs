//! What went wrong last between an app and this server, for the administrator who is connecting it.
//! One value for each client, kept for a day; losing it costs a hint.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ephemeral;
use crate::clock::Seconds;
use crate::protocol::types::ClientId;
use crate::store::error::StoreError;

const MEMORY: Seconds = 86_400;

/// Remembers this in place of what was there.
pub async fn put<T: Serialize>(
    ephemeral: &Ephemeral,
    client: &ClientId,
    stumble: &T,
) -> Result<(), StoreError> {
    let json = serde_json::to_string(stumble).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    ephemeral.put(&key(client), &json, MEMORY).await
}

/// What is remembered. What another version has written and this one cannot read is nothing.
pub async fn get<T: DeserializeOwned>(
    ephemeral: &Ephemeral,
    client: &ClientId,
) -> Result<Option<T>, StoreError> {
    let json = ephemeral.get(&key(client)).await?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
}

fn key(client: &ClientId) -> String {
    format!("stumble:{client}")
}
