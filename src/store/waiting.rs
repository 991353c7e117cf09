//! What waits in the outbox, as administrators see it. What a message says is not among it: a letter may
//! hold a link that opens an account.

use sqlx_macros::FromRow;

use super::audit;
use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::types::ClientId;

/// A delivery that has not arrived.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Waiting {
    pub id: String,
    pub kind: String,
    /// The client it is for, if it is for one.
    pub client_id: Option<ClientId>,
    pub due_at: UnixTime,
    /// How often it was tried.
    pub attempts: i64,
    pub created_at: UnixTime,
    /// When it is given up.
    pub expires_at: UnixTime,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// Which deliveries are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct WaitingFilter<'a> {
    /// Only those tried so often, at least and at most.
    pub attempts: Option<(i64, i64)>,
    /// Only those of one of these two kinds.
    pub kinds: Option<(&'a str, &'a str)>,
    /// The id that the last page ended with, or empty.
    pub after: &'a str,
}

/// A page of what waits, the oldest first: ids are ordered by time.
pub async fn list<'a>(
    sql: impl Sql<'a>,
    filter: &WaitingFilter<'_>,
    limit: i64,
) -> Result<Vec<Waiting>, StoreError> {
    let (least, most) = filter.attempts.unwrap_or((0, i64::MAX));
    sql.into()
        .query(
            "select id, kind, client_id, due_at, attempts, created_at, expires_at, last_error \
             from outbox where id > $1 and attempts >= $3 and attempts <= $4 \
             and ($5 is null or kind = $5 or kind = $6) order by id limit $2",
        )
        .bind(filter.after)
        .bind(limit)
        .bind(least)
        .bind(most)
        .bind(filter.kinds.map(|(first, _)| first))
        .bind(filter.kinds.map(|(_, second)| second))
        .all::<Waiting>()
        .await
}

/// One of them.
pub async fn by_id<'a>(sql: impl Sql<'a>, id: &str) -> Result<Option<Waiting>, StoreError> {
    sql.into()
        .query(
            "select id, kind, client_id, due_at, attempts, created_at, expires_at, last_error \
             from outbox where id = $1",
        )
        .bind(id)
        .optional::<Waiting>()
        .await
}

/// Which [`Troubles`] are sought.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a> {
    /// The kind of what is a letter.
    pub letters: &'a str,
    /// From so many tries on anything else counts.
    pub attempts: i64,
    /// From when on it counts that a letter was given up.
    pub since: UnixTime,
    /// Counting stops here.
    pub most: i64,
    /// Counting all letters that wait stops here.
    pub most_queued: i64,
}

/// What is not done that should be, and how much waits in its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Troubles {
    /// Letters that wait, whether they were tried or not.
    pub queued_letters: i64,
    /// Of the oldest that wait, those that were tried often, without letters.
    pub stuck: i64,
    /// Letters that were tried in vain and wait, of those that are due last: what was tried waits for longer than what
    /// is new.
    pub letters: i64,
    /// Letters that were given up.
    pub lost_letters: i64,
    /// When the first event happened that waits for its place in the chain of the audit log.
    pub unsealed_since: Option<UnixTime>,
}

/// What is not done that should be, in one statement, each part of it answered from an index and cut off.
pub async fn troubles<'a>(sql: impl Sql<'a>, sought: &Sought<'_>) -> Result<Troubles, StoreError> {
    sql.into()
        .query(
            "select (select cast(count(*) as bigint) from \
             (select 1 as n from outbox where kind = $3 limit $5) as queue) as queued_letters, \
             (select cast(count(*) as bigint) from \
             (select attempts from outbox where kind <> $3 order by id limit $2) as oldest \
             where attempts >= $1) as stuck, \
             (select cast(count(*) as bigint) from \
             (select last_error from outbox where kind = $3 order by due_at desc limit $2) as waiting \
             where last_error is not null) as letters, \
             (select cast(count(*) as bigint) from \
             (select detail from audit_events where kind = 'delivery.given_up' and id >= $4 \
             order by id desc limit $2) as lost where detail ->> 'kind' = $3) as lost_letters, \
             (select e.at from audit_unsealed u join audit_events e on e.id = u.event_id \
             order by u.event_id limit 1) as unsealed_since",
        )
        .bind(sought.attempts)
        .bind(sought.most)
        .bind(sought.letters)
        .bind(audit::first_id(sought.since))
        .bind(sought.most_queued)
        .one::<Troubles>()
        .await
}

/// Makes a delivery due at this moment; `false` if it waits no more.
pub async fn make_due<'a>(sql: impl Sql<'a>, id: &str, now: UnixTime) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update outbox set due_at = $2 where id = $1")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Removes a delivery, whoever holds it, and tells what it was; `None` if it waits no more.
pub async fn discard<'a>(sql: impl Sql<'a>, id: &str) -> Result<Option<Waiting>, StoreError> {
    sql.into()
        .query(
            "delete from outbox where id = $1 returning id, kind, client_id, due_at, attempts, \
             created_at, expires_at, last_error",
        )
        .bind(id)
        .optional::<Waiting>()
        .await
}
