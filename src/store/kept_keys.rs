//! Keys that outlive the master key they were derived from. A handful: a few for each exchange.

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct KeptKey {
    /// The same for the same key.
    pub name: String,
    pub sealed: String,
    pub created_at: UnixTime,
}

/// Every key, by name.
pub async fn all<'a>(sql: impl Sql<'a>) -> Result<Vec<KeptKey>, StoreError> {
    sql.into().query("select name, sealed, created_at from kept_keys order by name").all().await
}

/// Keeps a key unless there is one of this name: the first one stays.
pub async fn keep<'a>(sql: impl Sql<'a>, key: &KeptKey) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into kept_keys (name, sealed, created_at) values ($1, $2, $3) \
             on conflict (name) do nothing",
        )
        .bind(&key.name)
        .bind(&key.sealed)
        .bind(key.created_at)
        .execute()
        .await
        .map(drop)
}
