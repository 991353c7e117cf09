//! What ends when an older state comes back: whatever has ended or was used since then would otherwise be
//! alive again, and nobody can tell which. Statements of [`super::Refill`]'s transaction, for every row.

use sqlx::Executor as _;

use crate::clock::UnixTime;
use crate::store::db::Tx;
use crate::store::error::StoreError;

/// Every session with what belongs to it, every grant with its tokens, every link that a letter carries
/// every permission to register and every API key.
const ENDINGS: [&str; 5] = [
    "update sessions set revoked_at = $1 where revoked_at is null",
    "update grants set revoked_at = $1 where revoked_at is null",
    "update registration_tokens set revoked_at = $1 where revoked_at is null",
    "update api_keys set revoked_at = $1 where revoked_at is null",
    "update sync_state set tokens_from = $1",
];

/// What nobody needs after that. What waited to be sent was sent since, or is about these.
const REMOVALS: [&str; 4] = [
    "delete from session_data where session_id is not null",
    "delete from one_time_links",
    "delete from outbox",
    "delete from api_requests",
];

/// How many living sessions and grants there are.
const LIVING: [&str; 2] = [
    "select cast(count(*) as bigint) from sessions where revoked_at is null and expires_at > $1",
    "select cast(count(*) as bigint) from grants where revoked_at is null and expires_at > $1",
];

/// What was ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    pub sessions: i64,
    pub grants: i64,
}

/// Ends everything that somebody may have ended since.
pub async fn end_everything(tx: &mut Tx, now: UnixTime) -> Result<Ended, StoreError> {
    let [sessions, grants] = LIVING;
    let ended =
        Ended { sessions: count(tx, sessions, now).await?, grants: count(tx, grants, now).await? };
    for sql in ENDINGS {
        run(tx, sql, now.0).await?;
    }
    for sql in REMOVALS {
        match tx {
            Tx::Postgres { open, .. } => open.execute(sql).await.map(drop)?,
            Tx::Sqlite { open } => open.execute(sql).await.map(drop)?,
        }
    }
    Ok(ended)
}

/// Gives the database another name for what it keeps in Redis, and counters that are beyond those of any
/// copy: nothing that a server or Redis remembers passes for a copy of what is here.
pub async fn begin_epoch(tx: &mut Tx, now: UnixTime) -> Result<(), StoreError> {
    // Counted up by ones from 0 they never come near, and the next time is later.
    let beyond = now.0.saturating_mul(1_000_000);
    run(tx, "update sync_state set epoch = $1", now.0).await?;
    for sql in [
        "update sync_state set revocations = $1 where revocations < $1",
        "update sync_state set catalog = $1 where catalog < $1",
    ] {
        run(tx, sql, beyond).await?;
    }
    Ok(())
}

// Without the time limit of an answer: there may be many rows.
async fn run(tx: &mut Tx, sql: &'static str, value: i64) -> Result<(), StoreError> {
    match tx {
        Tx::Postgres { open, .. } => {
            open.execute(sqlx::query(sql).bind(value)).await?;
        }
        Tx::Sqlite { open } => {
            open.execute(sqlx::query(sql).bind(value)).await?;
        }
    }
    Ok(())
}

async fn count(tx: &mut Tx, sql: &'static str, now: UnixTime) -> Result<i64, StoreError> {
    Ok(match tx {
        Tx::Postgres { open, .. } => {
            sqlx::query_scalar(sql).bind(now.0).fetch_one(&mut **open).await?
        }
        Tx::Sqlite { open } => sqlx::query_scalar(sql).bind(now.0).fetch_one(&mut **open).await?,
    })
}
