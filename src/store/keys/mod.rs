//! Signing keys at rest: the private half sealed, the public half as the JWK that is published.

pub mod encryption;

use serde_json::Value;
use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::types::SigningAlg;
use crate::store::db::columns::Json;

/// A key as it is stored. `state` is the name of `crypto::keyring::KeyState`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// RFC 7638 thumbprint.
    pub kid: String,
    pub alg: SigningAlg,
    /// `next`, `active`, `retiring` or `retired`.
    pub state: String,
    pub sealed_private: String,
    pub public_jwk: Value,
    pub created_at: UnixTime,
    /// When it may begin to sign: clients must have had time to fetch it.
    pub activates_at: UnixTime,
    /// When it stopped or will stop signing.
    pub retires_at: Option<UnixTime>,
    /// When nothing it signed can be alive any more.
    pub remove_after: Option<UnixTime>,
}

/// A step in the life of a key. It happens only if the key is still in state `from`.
#[derive(Debug, Clone)]
pub struct KeyChange {
    pub kid: String,
    pub from: String,
    pub to: String,
    pub activates_at: UnixTime,
    pub retires_at: Option<UnixTime>,
    pub remove_after: Option<UnixTime>,
}

#[derive(FromRow)]
struct StoredRow {
    kid: String,
    alg: SigningAlg,
    state: String,
    sealed_private: String,
    public_jwk: Json<Value>,
    created_at: UnixTime,
    activates_at: UnixTime,
    retires_at: Option<UnixTime>,
    remove_after: Option<UnixTime>,
}

impl From<StoredRow> for KeyRow {
    fn from(row: StoredRow) -> Self {
        Self {
            kid: row.kid,
            alg: row.alg,
            state: row.state,
            sealed_private: row.sealed_private,
            public_jwk: row.public_jwk.0,
            created_at: row.created_at,
            activates_at: row.activates_at,
            retires_at: row.retires_at,
            remove_after: row.remove_after,
        }
    }
}

/// Every key, oldest first.
pub async fn all<'a>(sql: impl Sql<'a>) -> Result<Vec<KeyRow>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select kid, alg, state, sealed_private, public_jwk, created_at, activates_at, \
             retires_at, remove_after from signing_keys order by created_at, kid",
        )
        .all::<StoredRow>()
        .await?;
    Ok(rows.into_iter().map(KeyRow::from).collect())
}

/// Adds a key. `Conflict` when its algorithm has a key in state `next` or `active` already, and
/// this is another such: a second node was faster.
pub async fn insert<'a>(sql: impl Sql<'a>, key: &KeyRow) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into signing_keys (kid, alg, state, sealed_private, public_jwk, created_at, \
             activates_at, retires_at, remove_after) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&key.kid)
        .bind(key.alg)
        .bind(&key.state)
        .bind(&key.sealed_private)
        .bind(Json(&key.public_jwk))
        .bind(key.created_at)
        .bind(key.activates_at)
        .bind(key.retires_at)
        .bind(key.remove_after)
        .execute()
        .await
        .map(drop)
}

/// Moves a key to another state; `false` if it is not in the state it should come from. Retire the
/// active key before activating its successor: an algorithm has one active key at a time.
pub async fn set_state<'a>(sql: impl Sql<'a>, change: &KeyChange) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query(
            "update signing_keys set state = $3, activates_at = $4, retires_at = $5, \
             remove_after = $6 where kid = $1 and state = $2",
        )
        .bind(&change.kid)
        .bind(&change.from)
        .bind(&change.to)
        .bind(change.activates_at)
        .bind(change.retires_at)
        .bind(change.remove_after)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Removes a key for good, unless it is the one that signs; `false` if that is so or there is none.
pub async fn delete<'a>(sql: impl Sql<'a>, kid: &str) -> Result<bool, StoreError> {
    let deleted = sql
        .into()
        .query("delete from signing_keys where kid = $1 and state <> 'active'")
        .bind(kid)
        .execute()
        .await?;
    Ok(deleted == 1)
}
