//! The issuers that servers have had with this database. One, in most.

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;

/// An issuer.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ServedIssuer {
    pub issuer: String,
    /// When a server started with it for the first time.
    pub since: UnixTime,
}

/// Every one, from the first.
pub async fn all<'a>(sql: impl Sql<'a>) -> Result<Vec<ServedIssuer>, StoreError> {
    let text = "select issuer, since from served_issuers order by since, issuer";
    sql.into().query(text).all().await
}

/// Keeps one. One that was there before stays as it is.
pub async fn keep<'a>(sql: impl Sql<'a>, served: &ServedIssuer) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into served_issuers (issuer, since) values ($1, $2) \
             on conflict (issuer) do nothing",
        )
        .bind(&served.issuer)
        .bind(served.since)
        .execute()
        .await
        .map(drop)
}

/// Whether there was somebody, or an app, before this moment: they may have something with an earlier
/// issuer in it.
pub async fn was_used_before<'a>(sql: impl Sql<'a>, at: UnixTime) -> Result<bool, StoreError> {
    let asked = sql
        .into()
        .query(
            "select case when exists (select 1 from users where created_at < $1) \
             or exists (select 1 from clients where created_at < $1) \
             then cast(1 as bigint) else cast(0 as bigint) end as used",
        )
        .bind(at)
        .one::<(i64,)>()
        .await?;
    Ok(asked.0 == 1)
}
