//! Deleting what has expired, in bounded steps so that no request waits for it.
//!
//! Rows that others hold several of are deleted one by one: the clean-up then never holds one while it
//! waits for another, and cannot be part of a circle ("The order in which rows are held" in
//! `docs/architecture.md`).

use super::db::Db;
use super::db::one_by_one::{each, one_by_one};
use super::error::StoreError;
use super::{known_marks, revocations};
use crate::clock::{Seconds, UnixTime};

/// What is deleted when it has expired and of which nobody holds more than one row. The outer condition
/// is repeated because a row may have been changed between looking and deleting.
const EXPIRED: [&str; 8] = [
    "delete from used_jtis where expires_at <= $1 and hash in \
     (select hash from used_jtis where expires_at <= $1 order by expires_at limit $2)",
    "delete from registration_tokens where expires_at <= $1 and id in \
     (select id from registration_tokens where expires_at <= $1 order by expires_at limit $2)",
    "delete from imports where expires_at <= $1 and digest in \
     (select digest from imports where expires_at <= $1 order by expires_at limit $2)",
    // What the console's charts show: ninety days of hours.
    "delete from activity where hour <= ($1 - 7776000) / 3600 and hour in \
     (select hour from activity where hour <= ($1 - 7776000) / 3600 order by hour limit $2)",
    "delete from api_keys where expires_at <= $1 and id in \
     (select id from api_keys where expires_at <= $1 order by expires_at limit $2)",
    "delete from api_requests where expires_at <= $1 and id in \
     (select id from api_requests where expires_at <= $1 order by expires_at limit $2)",
    "delete from webhook_deliveries where expires_at <= $1 and id in \
     (select id from webhook_deliveries where expires_at <= $1 order by expires_at limit $2)",
    // Whoever sends messages gives up on them; these are of a kind that nobody sends any more.
    "delete from outbox where expires_at <= $1 - 86400 and id in \
     (select id from outbox where expires_at <= $1 - 86400 order by expires_at limit $2)",
];

/// What others hold several of: how the expired ones are found, and how one of them is deleted.
const SHARED: [(&str, &str); 4] = [
    // The absolute limit of a family is that of its grant, which takes it along.
    (
        "select id from refresh_families where idle_expires_at <= $1 \
         order by idle_expires_at limit $2",
        "delete from refresh_families where id = $1 and idle_expires_at <= $2 \
         returning cast(1 as bigint)",
    ),
    (
        "select id from grants where expires_at <= $1 order by expires_at limit $2",
        "delete from grants where id = $1 and expires_at <= $2 returning cast(1 as bigint)",
    ),
    (
        "select id from session_data where expires_at <= $1 order by expires_at limit $2",
        "delete from session_data where id = $1 and expires_at <= $2 returning cast(1 as bigint)",
    ),
    (
        "select hash from one_time_links where expires_at <= $1 order by expires_at limit $2",
        "delete from one_time_links where hash = $1 and expires_at <= $2 \
         returning cast(1 as bigint)",
    ),
];

/// As [`SHARED`], and tells what the sessions were.
const SESSIONS: (&str, &str) = (
    "select id from sessions where expires_at <= $1 order by expires_at limit $2",
    "delete from sessions where id = $1 and expires_at <= $2 \
     returning created_at, last_seen_at, revoked_at",
);

/// What was deleted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Rows of every kind.
    pub rows: u64,
    /// Of each session among them that nobody had ended: from its beginning to when it was last used.
    pub unended_sessions: Vec<Seconds>,
}

/// Deletes at most `limit` expired rows of each kind. Call it again soon while it deletes any. The
/// audit log is left to `service::audit::chain`.
pub async fn purge(db: &Db, now: UnixTime, limit: i64) -> Result<Purged, StoreError> {
    let mut rows = 0;
    for sql in EXPIRED {
        rows += db.query(sql).bind(now).bind(limit).execute().await?;
    }
    for (find, delete) in SHARED {
        let keys = expired(db, find, (now, limit)).await?;
        rows += each(db, delete, &keys, |row, (key,)| row.bind(key).bind(now)).await?;
    }
    let (find, delete) = SESSIONS;
    let keys = expired(db, find, (now, limit)).await?;
    let gone: Vec<(UnixTime, UnixTime, Option<UnixTime>)> =
        one_by_one(db, delete, &keys, |row, (key,)| row.bind(key).bind(now)).await?;
    rows += u64::try_from(gone.len()).unwrap_or(u64::MAX);
    let unended = gone.into_iter().filter(|(.., revoked_at)| revoked_at.is_none());
    let unended_sessions = unended.map(|(begun, seen, _)| seen.since(begun)).collect();
    rows += known_marks::purge(db, now, limit).await?;
    rows += revocations::purge(db, now, limit).await?;
    Ok(Purged { rows, unended_sessions })
}

async fn expired(
    db: &Db,
    find: &'static str,
    (now, limit): (UnixTime, i64),
) -> Result<Vec<(String,)>, StoreError> {
    db.query(find).bind(now).bind(limit).all().await
}
