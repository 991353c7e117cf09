//! Identifiers of tokens that are good once, and have been used; and other things that happen once in
//! a while at most, which are told apart by their names.

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;

/// Uses an identifier, by its hash; `false` if it was used before. Of any number at once exactly one
/// gets `true`. After `expires_at` it may be forgotten, so the token must be refused for its age by
/// then.
pub async fn spend<'a>(
    sql: impl Sql<'a>,
    hash: &str,
    expires_at: UnixTime,
) -> Result<bool, StoreError> {
    let inserted = sql
        .into()
        .query("insert into used_jtis (hash, expires_at) values ($1, $2) on conflict (hash) do nothing")
        .bind(hash)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// Whether an identifier was used. Only [`spend`] decides; this saves work that would be for nothing.
pub async fn is_spent<'a>(sql: impl Sql<'a>, hash: &str) -> Result<bool, StoreError> {
    let (found,) = sql
        .into()
        .query("select exists (select 1 from used_jtis where hash = $1)")
        .bind(hash)
        .one::<(bool,)>()
        .await?;
    Ok(found)
}
