//! The newest import that was begun in the console: how far it is, for every node to show, and whose turn
//! it is. Losing it costs a page about an import, and the import nothing: a turn is a courtesy, and of two imports of one
//! file SQL lets one go on (`store::imports`).

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ephemeral;
use crate::clock::Seconds;
use crate::store::error::StoreError;

/// How long it can be looked at.
const MEMORY: Seconds = 86_400;
/// How long a turn lasts that nobody keeps: its node is gone. In seconds.
pub const TURN: Seconds = 15;
/// Stands where a turn was given back, until it is forgotten.
const FREE: &str = "free";

const NEWEST: &str = "import:newest";
const REJECTS: &str = "import:rejects";
const IN_TURN: &str = "import:turn";

/// Remembers how far it is.
pub async fn put<T: Serialize>(ephemeral: &Ephemeral, upload: &T) -> Result<(), StoreError> {
    store(ephemeral, NEWEST, upload).await
}

/// How far it is. What another version has written and this one cannot read is nothing.
pub async fn get<T: DeserializeOwned>(ephemeral: &Ephemeral) -> Result<Option<T>, StoreError> {
    read(ephemeral, NEWEST).await
}

/// Remembers what it has left out.
pub async fn put_rejects<T: Serialize>(
    ephemeral: &Ephemeral,
    rejects: &T,
) -> Result<(), StoreError> {
    store(ephemeral, REJECTS, rejects).await
}

/// What it has left out.
pub async fn rejects<T: DeserializeOwned>(ephemeral: &Ephemeral) -> Result<Option<T>, StoreError> {
    read(ephemeral, REJECTS).await
}

/// Takes the turn; `false` when it is another's. To be [kept](keep_turn) several times in [`TURN`].
pub async fn take_turn(ephemeral: &Ephemeral, id: &str) -> Result<bool, StoreError> {
    let turn = (id, TURN);
    Ok(ephemeral.put_new(IN_TURN, id, TURN).await?
        || ephemeral.exchange(IN_TURN, Some(FREE), turn).await?)
}

/// Keeps it, also when it was lost and nobody has taken it since; `false` when it is another's.
pub async fn keep_turn(ephemeral: &Ephemeral, id: &str) -> Result<bool, StoreError> {
    Ok(ephemeral.exchange(IN_TURN, Some(id), (id, TURN)).await?
        || ephemeral.put_new(IN_TURN, id, TURN).await?)
}

/// Gives it back, if it is still this one's.
pub async fn end_turn(ephemeral: &Ephemeral, id: &str) -> Result<(), StoreError> {
    ephemeral.exchange(IN_TURN, Some(id), (FREE, 1)).await.map(drop)
}

async fn store<T: Serialize>(
    ephemeral: &Ephemeral,
    key: &str,
    value: &T,
) -> Result<(), StoreError> {
    let json = serde_json::to_string(value).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    ephemeral.put(key, &json, MEMORY).await
}

async fn read<T: DeserializeOwned>(
    ephemeral: &Ephemeral,
    key: &str,
) -> Result<Option<T>, StoreError> {
    let json = ephemeral.get(key).await?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
}
