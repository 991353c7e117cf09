//! Counters by which nodes notice what other nodes changed: one row, read in one trip.

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;

/// The counters. Each only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct SyncState {
    /// Raised when clients, keys or settings changed.
    pub catalog: i64,
    /// Raised with every revocation.
    pub revocations: i64,
    /// Raised to invalidate every fast copy in the ephemeral store.
    pub generation: i64,
}

/// The counters now.
pub async fn read<'a>(sql: impl Sql<'a>) -> Result<SyncState, StoreError> {
    sql.into()
        .query("select catalog, revocations, generation from sync_state where id = 1")
        .one()
        .await
}

/// Tells other nodes that clients, keys or settings changed; returns the new count.
pub async fn bump_catalog<'a>(sql: impl Sql<'a>) -> Result<i64, StoreError> {
    let (count,) = sql
        .into()
        .query("update sync_state set catalog = catalog + 1 where id = 1 returning catalog")
        .one::<(i64,)>()
        .await?;
    Ok(count)
}

/// Tells other nodes that something was revoked; returns the new count.
pub async fn bump_revocations<'a>(sql: impl Sql<'a>) -> Result<i64, StoreError> {
    let (count,) = sql
        .into()
        .query(
            "update sync_state set revocations = revocations + 1 where id = 1 \
             returning revocations",
        )
        .one::<(i64,)>()
        .await?;
    Ok(count)
}

/// Begins a new generation if `expected` is the present one, so that several nodes that see the
/// same reason begin only one. Returns the generation that holds now.
pub async fn bump_generation<'a>(sql: impl Sql<'a>, expected: i64) -> Result<i64, StoreError> {
    let mut sql = sql.into();
    let bumped = sql
        .query(
            "update sync_state set generation = generation + 1 where id = 1 and generation = $1 \
             returning generation",
        )
        .bind(expected)
        .optional::<(i64,)>()
        .await?;
    match bumped {
        Some((generation,)) => Ok(generation),
        None => {
            let (generation,) = sql
                .query("select generation from sync_state where id = 1")
                .one::<(i64,)>()
                .await?;
            Ok(generation)
        }
    }
}
