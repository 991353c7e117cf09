//! Keys others encrypt with for Doorward: the private half sealed, the public half as the JWK that
//! is published.

use serde_json::Value;
use sqlx_macros::FromRow;

use crate::clock::UnixTime;
use crate::protocol::types::KeyEncryptionAlg;
use crate::store::db::Sql;
use crate::store::db::columns::Json;
use crate::store::error::StoreError;

/// A key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionKeyRow {
    /// RFC 7638 thumbprint.
    pub kid: String,
    pub alg: KeyEncryptionAlg,
    /// `active` or `retiring`.
    pub state: String,
    pub sealed_private: String,
    pub public_jwk: Value,
    pub created_at: UnixTime,
    /// When nobody can still be encrypting with it.
    pub remove_after: Option<UnixTime>,
}

#[derive(FromRow)]
struct StoredRow {
    kid: String,
    alg: KeyEncryptionAlg,
    state: String,
    sealed_private: String,
    public_jwk: Json<Value>,
    created_at: UnixTime,
    remove_after: Option<UnixTime>,
}

impl From<StoredRow> for EncryptionKeyRow {
    fn from(row: StoredRow) -> Self {
        Self {
            kid: row.kid,
            alg: row.alg,
            state: row.state,
            sealed_private: row.sealed_private,
            public_jwk: row.public_jwk.0,
            created_at: row.created_at,
            remove_after: row.remove_after,
        }
    }
}

/// Every key, oldest first.
pub async fn all<'a>(sql: impl Sql<'a>) -> Result<Vec<EncryptionKeyRow>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select kid, alg, state, sealed_private, public_jwk, created_at, remove_after \
             from encryption_keys order by created_at, kid",
        )
        .all::<StoredRow>()
        .await?;
    Ok(rows.into_iter().map(EncryptionKeyRow::from).collect())
}

/// Adds a key. `Conflict` when its algorithm has an active key already and this is another: a
/// second node was faster.
pub async fn insert<'a>(sql: impl Sql<'a>, key: &EncryptionKeyRow) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into encryption_keys (kid, alg, state, sealed_private, public_jwk, \
             created_at, remove_after) values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&key.kid)
        .bind(key.alg)
        .bind(&key.state)
        .bind(&key.sealed_private)
        .bind(Json(&key.public_jwk))
        .bind(key.created_at)
        .bind(key.remove_after)
        .execute()
        .await
        .map(drop)
}

/// Takes the active key of an algorithm out of use, to be removed later. Says how many there were:
/// one or none.
pub async fn retire<'a>(
    sql: impl Sql<'a>,
    alg: KeyEncryptionAlg,
    remove_after: UnixTime,
) -> Result<u64, StoreError> {
    sql.into()
        .query(
            "update encryption_keys set state = 'retiring', remove_after = $2 \
             where alg = $1 and state = 'active'",
        )
        .bind(alg)
        .bind(remove_after)
        .execute()
        .await
}

/// Removes a key that is out of use for good; `false` if there is none, or it is active.
pub async fn delete<'a>(sql: impl Sql<'a>, kid: &str) -> Result<bool, StoreError> {
    let deleted = sql
        .into()
        .query("delete from encryption_keys where kid = $1 and state = 'retiring'")
        .bind(kid)
        .execute()
        .await?;
    Ok(deleted == 1)
}
