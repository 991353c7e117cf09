//! Counters by which nodes notice what other nodes changed: one row, read in one trip.

use sqlx_macros::FromRow;

use super::db::{Db, Sql, Tx};
use super::error::StoreError;
use crate::clock::UnixTime;

/// The counters. Each only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct SyncState {
    /// Raised when clients, keys or settings changed.
    pub catalog: i64,
    /// Raised with every revocation.
    pub revocations: i64,
}

/// The counters now.
pub async fn read<'a>(sql: impl Sql<'a>) -> Result<SyncState, StoreError> {
    sql.into().query("select catalog, revocations from sync_state where id = 1").one().await
}

/// What a restore from a backup left behind; all 0 if there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Restored {
    /// Part of every name in Redis.
    pub epoch: i64,
    /// Access tokens issued up to then count no more.
    pub tokens_from: UnixTime,
}

/// What the last restore left behind. It happens while no server runs, so a server asks once.
pub async fn restored<'a>(sql: impl Sql<'a>) -> Result<Restored, StoreError> {
    sql.into().query("select epoch, tokens_from from sync_state where id = 1").one().await
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

/// Waits for revocations under way and keeps others from committing until the transaction is over: what
/// is read after it is all there is to know. Whoever revokes something waits, so call it last.
pub async fn hold_revocations(tx: &mut Tx) -> Result<(), StoreError> {
    // A write that changes nothing locks the row on both databases.
    tx.query("update sync_state set revocations = revocations where id = 1")
        .execute()
        .await
        .map(drop)
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

/// What the database's own clock says, if it has one: SQLite has ours.
pub async fn clock(db: &Db) -> Result<Option<UnixTime>, StoreError> {
    match db {
        Db::Postgres { .. } => {
            let now = db.query("select cast(extract(epoch from now()) as bigint)");
            Ok(Some(UnixTime(now.one::<(i64,)>().await?.0)))
        }
        Db::Sqlite { .. } => Ok(None),
    }
}
