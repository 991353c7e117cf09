//! Counters by which nodes notice what other nodes changed: one row, read in one trip.

use sqlx_macros::FromRow;

use super::db::{Db, Sql, Target, Tx};
use super::error::StoreError;
use crate::clock::UnixTime;

/// The counters. Each only grows, as long as the database keeps what it has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct SyncState {
    /// Raised when clients, keys or settings changed.
    pub catalog: i64,
    /// Raised with every revocation.
    pub revocations: i64,
    /// When the server that answered was started, in microseconds; 0 for SQLite, which is part of this
    /// process. After another start it may have lost its last commits, and give their numbers out again.
    pub server: i64,
}

impl SyncState {
    /// Whether SQL has lost something that is in `known`, or may have: it was started anew since.
    /// `known` must have been known before SQL was asked.
    #[must_use]
    pub fn may_lack(&self, known: &Self) -> bool {
        self.lacks(known) || self.server != known.server
    }

    /// Whether it has certainly lost something that is in `known`.
    #[must_use]
    pub fn lacks(&self, known: &Self) -> bool {
        self.catalog < known.catalog || self.revocations < known.revocations
    }
}

/// Asks PostgreSQL, which says as well when it was started.
const OF_POSTGRES: &str = "select catalog, revocations, \
    cast(extract(epoch from pg_postmaster_start_time()) * 1000000 as bigint) as server \
    from sync_state where id = 1";
const OF_SQLITE: &str =
    "select catalog, revocations, cast(0 as bigint) as server from sync_state where id = 1";

/// The counters now.
pub async fn read<'a>(sql: impl Sql<'a>) -> Result<SyncState, StoreError> {
    let mut sql = sql.into();
    let text = match &sql {
        Target::Db(Db::Postgres { .. }) | Target::Tx(Tx::Postgres { .. }) => OF_POSTGRES,
        Target::Db(Db::Sqlite { .. }) | Target::Tx(Tx::Sqlite { .. }) => OF_SQLITE,
    };
    sql.query(text).one().await
}

/// Raises both counters in one step above these and above what they are. For a database that has lost
/// commits: no number that anybody knows is given out a second time.
pub async fn raise_above<'a>(sql: impl Sql<'a>, known: &SyncState) -> Result<(), StoreError> {
    sql.into()
        .query(
            "update sync_state set \
             catalog = case when catalog > $1 then catalog else $1 end + 1, \
             revocations = case when revocations > $2 then revocations else $2 end + 1 \
             where id = 1",
        )
        .bind(known.catalog)
        .bind(known.revocations)
        .execute()
        .await
        .map(drop)
}

/// Whether the database acknowledges commits that a crash may take back.
pub async fn forgets_commits(db: &Db) -> Result<bool, StoreError> {
    match db {
        Db::Postgres { .. } => {
            let asked = db.query("select current_setting('synchronous_commit')");
            Ok(asked.one::<(String,)>().await?.0 == "off")
        }
        Db::Sqlite { .. } => Ok(false),
    }
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
