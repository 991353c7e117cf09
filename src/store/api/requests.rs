//! Requests to the REST API that came with an `Idempotency-Key`. The row is there before anything is done:
//! of two that come at once, one adds it and the other finds it.

use sqlx_macros::FromRow;

use crate::clock::UnixTime;
use crate::store::db::Sql;
use crate::store::error::StoreError;

/// A request that was there before.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct EarlierRequest {
    /// SHA-256 of what it asked for.
    pub digest: String,
    /// What it was answered, sealed; `None` while it is under way.
    pub answer: Option<String>,
    pub begun_at: UnixTime,
}

/// Adds a request that begins now; `false` when there is one with this id. One that has expired, or was
/// begun before `given_up` and never answered, is no hindrance: this one takes its place.
pub async fn begin<'a>(
    sql: impl Sql<'a>,
    (id, digest): (&str, &str),
    (now, given_up, expires_at): (UnixTime, UnixTime, UnixTime),
) -> Result<bool, StoreError> {
    let added = sql
        .into()
        .query(
            "insert into api_requests (id, digest, answer, begun_at, expires_at) \
             values ($1, $2, null, $3, $5) on conflict (id) do update set \
             digest = excluded.digest, answer = null, begun_at = excluded.begun_at, \
             expires_at = excluded.expires_at \
             where api_requests.expires_at <= $3 or (api_requests.answer is null \
             and api_requests.begun_at < $4 and api_requests.digest = excluded.digest)",
        )
        .bind(id)
        .bind(digest)
        .bind(now)
        .bind(given_up)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(added == 1)
}

/// The request with this id.
pub async fn find<'a>(sql: impl Sql<'a>, id: &str) -> Result<Option<EarlierRequest>, StoreError> {
    sql.into()
        .query("select digest, answer, begun_at from api_requests where id = $1")
        .bind(id)
        .optional()
        .await
}

/// Keeps what the request that began at this moment was answered.
pub async fn answer<'a>(
    sql: impl Sql<'a>,
    (id, begun_at): (&str, UnixTime),
    answer: &str,
) -> Result<(), StoreError> {
    sql.into()
        .query("update api_requests set answer = $3 where id = $1 and begun_at = $2")
        .bind(id)
        .bind(begun_at)
        .bind(answer)
        .execute()
        .await
        .map(drop)
}

/// Forgets the request that began at this moment and was not answered: it has changed nothing, and may
/// come again.
pub async fn forget<'a>(
    sql: impl Sql<'a>,
    (id, begun_at): (&str, UnixTime),
) -> Result<(), StoreError> {
    sql.into()
        .query("delete from api_requests where id = $1 and begun_at = $2 and answer is null")
        .bind(id)
        .bind(begun_at)
        .execute()
        .await
        .map(drop)
}
