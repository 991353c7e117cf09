//! Devices waiting to be let in (RFC 8628). The record lies under the hash of the device code;
//! a second key leads there from the user code. An answer replaces exactly the record that was
//! looked at, so two answers cannot both count.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ephemeral;
use crate::clock::Seconds;
use crate::store::error::StoreError;

/// A value as it was read, so that it can be replaced if nobody has changed it since.
#[derive(Debug, Clone)]
pub struct Read<T> {
    text: String,
    pub value: T,
}

/// Stores what a device asks for; `false`, and nothing is stored, when another device has this
/// user code. `user_key` must not be guessable from what is stored: a keyed hash.
pub async fn put<T: Serialize>(
    ephemeral: &Ephemeral,
    (device_hash, user_key): (&str, &str),
    record: &T,
    ttl: Seconds,
) -> Result<bool, StoreError> {
    if !ephemeral.put_new(&user_code_key(user_key), device_hash, ttl).await? {
        return Ok(false);
    }
    ephemeral.put(&record_key(device_hash), &to_json(record)?, ttl).await?;
    Ok(true)
}

/// What a device asks for, by the hash of its device code.
pub async fn by_device<T: DeserializeOwned>(
    ephemeral: &Ephemeral,
    device_hash: &str,
) -> Result<Option<Read<T>>, StoreError> {
    read(ephemeral.get(&record_key(device_hash)).await?)
}

/// The hash of the device code that goes with a user code.
pub async fn device_of(
    ephemeral: &Ephemeral,
    user_key: &str,
) -> Result<Option<String>, StoreError> {
    ephemeral.get(&user_code_key(user_key)).await
}

/// Replaces what was read; `false` when it has changed or gone since.
pub async fn answer<T: Serialize>(
    ephemeral: &Ephemeral,
    device_hash: &str,
    (before, after): (&Read<T>, &T),
) -> Result<bool, StoreError> {
    ephemeral.replace(&record_key(device_hash), &before.text, &to_json(after)?).await
}

/// Forgets a user code: it has been answered.
pub async fn forget_user_code(ephemeral: &Ephemeral, user_key: &str) -> Result<(), StoreError> {
    ephemeral.delete(&[&user_code_key(user_key)]).await
}

/// How often the device has asked.
pub async fn pace<T: DeserializeOwned>(
    ephemeral: &Ephemeral,
    device_hash: &str,
) -> Result<Option<Read<T>>, StoreError> {
    read(ephemeral.get(&pace_key(device_hash)).await?)
}

/// Notes that the device has asked; `false` when it did so twice at once.
pub async fn set_pace<T: Serialize>(
    ephemeral: &Ephemeral,
    device_hash: &str,
    (before, after): (Option<&Read<T>>, &T),
    ttl: Seconds,
) -> Result<bool, StoreError> {
    let (key, after) = (pace_key(device_hash), to_json(after)?);
    match before {
        None => ephemeral.put_new(&key, &after, ttl).await,
        Some(before) => ephemeral.replace(&key, &before.text, &after).await,
    }
}

fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn read<T: DeserializeOwned>(text: Option<String>) -> Result<Option<Read<T>>, StoreError> {
    let Some(text) = text else { return Ok(None) };
    let value =
        serde_json::from_str(&text).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(Some(Read { text, value }))
}

fn record_key(device_hash: &str) -> String {
    format!("device:{device_hash}")
}

fn user_code_key(user_key: &str) -> String {
    format!("device-user:{user_key}")
}

fn pace_key(device_hash: &str) -> String {
    format!("device-pace:{device_hash}")
}
