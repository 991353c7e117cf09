//! Deleting what has expired, in bounded steps so that no request waits for it.

use super::db::Db;
use super::error::StoreError;
use super::revocations;
use crate::clock::UnixTime;

/// What is deleted when it has expired. The outer condition is repeated because a row may have
/// been changed between looking and deleting.
const EXPIRED: [&str; 9] = [
    // The absolute limit of a family is that of its grant, which takes it along.
    "delete from refresh_families where idle_expires_at <= $1 and id in \
     (select id from refresh_families where idle_expires_at <= $1 \
      order by idle_expires_at limit $2)",
    "delete from grants where expires_at <= $1 and id in \
     (select id from grants where expires_at <= $1 order by expires_at limit $2)",
    "delete from sessions where expires_at <= $1 and id in \
     (select id from sessions where expires_at <= $1 order by expires_at limit $2)",
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
    // Whoever sends messages gives up on them; these are of a kind that nobody sends any more.
    "delete from outbox where expires_at <= $1 - 86400 and id in \
     (select id from outbox where expires_at <= $1 - 86400 order by expires_at limit $2)",
];

/// Deletes at most `limit` expired rows of each kind; returns how many in all. Call it again soon
/// while it returns `limit` or more. The audit log is
/// left to `service::audit::chain`.
pub async fn purge(db: &Db, now: UnixTime, limit: i64) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for sql in EXPIRED {
        deleted += db.query(sql).bind(now).bind(limit).execute().await?;
    }
    Ok(deleted + revocations::purge(db, now, limit).await?)
}
