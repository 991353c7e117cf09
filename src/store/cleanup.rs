//! Deleting what has expired, in bounded steps so that no request waits for it. Each step is one statement,
//! which takes only rows that nobody holds (`store::db::batch`): it cannot be part of a circle ("The order in
//! which rows are held" in `docs/architecture.md`), and nodes that clean up at once share the work.

use super::db::Db;
use super::db::batch::{Batch, batch};
use super::error::StoreError;
use super::revocations;
use crate::clock::{Seconds, UnixTime};

/// What is deleted when it has expired. What hangs on a session or a grant comes before it. The `offset` keeps
/// PostgreSQL from reading whole tables for a few rows: it is asked of each row by the index.
const EXPIRED: [Batch; 17] = [
    batch!("delete from used_jtis", of "used_jtis",
        in "used_jtis where expires_at <= $1 order by expires_at limit $2"),
    batch!("delete from registration_tokens", of "registration_tokens",
        in "registration_tokens where expires_at <= $1 order by expires_at limit $2"),
    batch!("delete from imports", of "imports",
        in "imports where expires_at <= $1 order by expires_at limit $2"),
    // What the console's charts show: ninety days of hours.
    batch!("delete from activity", of "activity",
        in "activity where hour <= ($1 - 7776000) / 3600 order by hour limit $2"),
    batch!("delete from api_keys", of "api_keys",
        in "api_keys where expires_at <= $1 order by expires_at limit $2"),
    batch!("delete from api_requests", of "api_requests",
        in "api_requests where expires_at <= $1 order by expires_at limit $2"),
    batch!("delete from webhook_deliveries", of "webhook_deliveries",
        in "webhook_deliveries where expires_at <= $1 order by expires_at limit $2"),
    // Whoever sends messages gives up on them; these are of a kind that nobody sends any more.
    batch!("delete from outbox", of "outbox",
        in "outbox where expires_at <= $1 - 86400 order by expires_at limit $2"),
    batch!("delete from one_time_links", of "one_time_links",
        in "one_time_links where expires_at <= $1 order by expires_at limit $2"),
    batch!("delete from known_marks", of "known_marks",
        in "known_marks where expires_at <= $1 order by expires_at limit $2"),
    batch!("delete from session_data", of "session_data",
        in "session_data where expires_at <= $1 order by expires_at limit $2"),
    batch!("delete from refresh_families", of "refresh_families",
        in "refresh_families where idle_expires_at <= $1 order by idle_expires_at limit $2"),
    // A grant is kept a little longer than its family can be used.
    batch!("delete from refresh_families", of "refresh_families",
        in "refresh_families join grants on grants.id = refresh_families.grant_id \
            where grants.expires_at <= $1 order by grants.expires_at limit $2"),
    batch!("delete from grants", of "grants",
        in "grants where expires_at <= $1 order by expires_at limit $2",
        if "not exists (select 1 from refresh_families where grant_id = found.id limit 1 offset 0)"),
    batch!("delete from session_data", of "session_data",
        in "session_data join sessions on sessions.id = session_data.session_id \
            where sessions.expires_at <= $1 order by sessions.expires_at limit $2"),
    batch!("delete from session_clients", of "session_clients",
        in "session_clients join sessions on sessions.id = session_clients.session_id \
            where sessions.expires_at <= $1 order by sessions.expires_at limit $2"),
    batch!("delete from gateway_cookies", of "gateway_cookies",
        in "gateway_cookies join sessions on sessions.id = gateway_cookies.session_id \
            where sessions.expires_at <= $1 order by sessions.expires_at limit $2"),
];

/// As [`EXPIRED`], and tells what the sessions were.
const SESSIONS: Batch = batch!("delete from sessions", of "sessions",
    in "sessions where expires_at <= $1 order by expires_at limit $2",
    if "not exists (select 1 from session_data where session_id = found.id limit 1 offset 0) \
        and not exists (select 1 from session_clients where session_id = found.id limit 1 offset 0) \
        and not exists (select 1 from gateway_cookies where session_id = found.id limit 1 offset 0)",
    returning "created_at, last_seen_at, revoked_at");

/// What was deleted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Rows of every kind.
    pub rows: u64,
    /// Of each session among them that nobody had ended: from its beginning to when it was last used.
    pub unended_sessions: Vec<Seconds>,
}

/// Deletes at most `limit` expired rows of each kind that nobody holds. Call it again soon while it deletes
/// any. The audit log is left to `service::audit::chain`.
pub async fn purge(db: &Db, now: UnixTime, limit: i64) -> Result<Purged, StoreError> {
    let mut rows = 0;
    for batch in EXPIRED {
        rows += batch.on(db).bind(now).bind(limit).execute().await?;
    }
    let gone: Vec<(UnixTime, UnixTime, Option<UnixTime>)> =
        SESSIONS.on(db).bind(now).bind(limit).all().await?;
    rows += u64::try_from(gone.len()).unwrap_or(u64::MAX);
    let unended = gone.into_iter().filter(|(.., revoked_at)| revoked_at.is_none());
    let unended_sessions = unended.map(|(begun, seen, _)| seen.since(begun)).collect();
    rows += revocations::purge(db, now, limit).await?;
    Ok(Purged { rows, unended_sessions })
}
