//! Deleting what has expired, in bounded steps so that no request waits for it.

use super::db::Db;
use super::error::StoreError;
use super::revocations;
use crate::clock::{Seconds, UnixTime};

/// What is deleted when it has expired. The outer condition is repeated because a row may have
/// been changed between looking and deleting.
const EXPIRED: [&str; 9] = [
    // The absolute limit of a family is that of its grant, which takes it along.
    "delete from refresh_families where idle_expires_at <= $1 and id in \
     (select id from refresh_families where idle_expires_at <= $1 \
      order by idle_expires_at limit $2)",
    "delete from grants where expires_at <= $1 and id in \
     (select id from grants where expires_at <= $1 order by expires_at limit $2)",
    "delete from session_data where expires_at <= $1 and id in \
     (select id from session_data where expires_at <= $1 order by expires_at limit $2)",
    "delete from one_time_links where expires_at <= $1 and hash in \
     (select hash from one_time_links where expires_at <= $1 order by expires_at limit $2)",
    "delete from used_jtis where expires_at <= $1 and hash in \
     (select hash from used_jtis where expires_at <= $1 order by expires_at limit $2)",
    "delete from registration_tokens where expires_at <= $1 and id in \
     (select id from registration_tokens where expires_at <= $1 order by expires_at limit $2)",
    "delete from known_marks where expires_at <= $1 and (user_id, kind, mark) in \
     (select user_id, kind, mark from known_marks where expires_at <= $1 order by expires_at limit $2)",
    "delete from imports where expires_at <= $1 and digest in \
     (select digest from imports where expires_at <= $1 order by expires_at limit $2)",
    // Whoever sends messages gives up on them; these are of a kind that nobody sends any more.
    "delete from outbox where expires_at <= $1 - 86400 and id in \
     (select id from outbox where expires_at <= $1 - 86400 order by expires_at limit $2)",
];

/// As [`EXPIRED`], and tells what the sessions were.
const EXPIRED_SESSIONS: &str = "delete from sessions where expires_at <= $1 and id in \
     (select id from sessions where expires_at <= $1 order by expires_at limit $2) \
     returning created_at, last_seen_at, revoked_at";

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
    let mut deleted = 0;
    for sql in EXPIRED {
        deleted += db.query(sql).bind(now).bind(limit).execute().await?;
    }
    let gone: Vec<(UnixTime, UnixTime, Option<UnixTime>)> =
        db.query(EXPIRED_SESSIONS).bind(now).bind(limit).all().await?;
    let sessions = u64::try_from(gone.len()).unwrap_or(u64::MAX);
    let unended = gone.into_iter().filter(|(.., revoked_at)| revoked_at.is_none());
    let unended_sessions = unended.map(|(begun, seen, _)| seen.since(begun)).collect();
    let rows = deleted + sessions + revocations::purge(db, now, limit).await?;
    Ok(Purged { rows, unended_sessions })
}
