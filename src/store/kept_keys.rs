//! Keys that outlive the master key they were derived from. A handful: a few for each exchange.

use sqlx_macros::FromRow;

use super::db::{Db, Sql};
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

/// Keeps keys, all or none of them; where there is one of a name, that one stays.
pub async fn keep(db: &Db, keys: &[KeptKey]) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for key in keys {
        tx.query(
            "insert into kept_keys (name, sealed, created_at) values ($1, $2, $3) \
             on conflict (name) do nothing",
        )
        .bind(&key.name)
        .bind(&key.sealed)
        .bind(key.created_at)
        .execute()
        .await?;
    }
    tx.commit().await
}
