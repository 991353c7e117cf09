//! The log of what webhooks were sent and what came back, kept for some days.

use sqlx_macros::FromRow;

use crate::clock::UnixTime;
use crate::store::db::Sql;
use crate::store::db::columns::stored_by_name;
use crate::store::error::StoreError;

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The endpoint took it.
    Arrived,
    /// It is tried again.
    Waiting,
    /// It was given up.
    Failed,
    /// The endpoint was switched off while it waited.
    Dropped,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Arrived, Self::Waiting, Self::Failed, Self::Dropped];

    /// The name in the database and for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

stored_by_name!(State);

/// One message to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Delivered {
    /// As in the outbox. Those of one endpoint are in the order in which things happened.
    pub id: String,
    pub webhook_id: String,
    /// `webhook-id`: the event, whichever endpoint hears of it, or a test.
    pub message_id: String,
    /// `type` of the message.
    pub kind: String,
    pub state: State,
    pub attempts: i64,
    /// HTTP status of the last answer.
    pub status: Option<i64>,
    /// How long the last try took, in milliseconds.
    pub duration_ms: i64,
    /// Why the last try did not count.
    pub problem: Option<String>,
    pub created_at: UnixTime,
    pub last_at: UnixTime,
    pub expires_at: UnixTime,
}

/// Writes how the latest try went. `created_at` of the first one stays.
pub async fn record<'a>(sql: impl Sql<'a>, tried: &Delivered) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into webhook_deliveries (id, webhook_id, message_id, kind, state, attempts, \
             status, duration_ms, problem, created_at, last_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             on conflict (id) do update set state = excluded.state, \
             attempts = webhook_deliveries.attempts + 1, status = excluded.status, \
             duration_ms = excluded.duration_ms, problem = excluded.problem, \
             last_at = excluded.last_at, expires_at = excluded.expires_at",
        )
        .bind(&tried.id)
        .bind(&tried.webhook_id)
        .bind(&tried.message_id)
        .bind(&tried.kind)
        .bind(tried.state)
        .bind(tried.attempts)
        .bind(tried.status)
        .bind(tried.duration_ms)
        .bind(&tried.problem)
        .bind(tried.created_at)
        .bind(tried.last_at)
        .bind(tried.expires_at)
        .execute()
        .await
        .map(drop)
}

/// Notes that a message that waited is not tried again.
pub async fn end<'a>(sql: impl Sql<'a>, id: &str, state: State) -> Result<(), StoreError> {
    sql.into()
        .query("update webhook_deliveries set state = $2 where id = $1 and state = 'waiting'")
        .bind(id)
        .bind(state)
        .execute()
        .await
        .map(drop)
}

/// A page of one endpoint's log, newest first; `after` is the id of the last row of the page before.
pub async fn list<'a>(
    sql: impl Sql<'a>,
    webhook: &str,
    (after, limit): (Option<&str>, i64),
) -> Result<Vec<Delivered>, StoreError> {
    sql.into()
        .query(
            "select id, webhook_id, message_id, kind, state, attempts, status, duration_ms, \
             problem, created_at, last_at, expires_at from webhook_deliveries \
             where webhook_id = $1 and id < $2 order by id desc limit $3",
        )
        .bind(webhook)
        // Ids are UUIDs of lower-case hexadecimal digits; this sorts after all of them.
        .bind(after.unwrap_or("g"))
        .bind(limit)
        .all::<Delivered>()
        .await
}

/// One line of the log.
pub async fn by_id<'a>(sql: impl Sql<'a>, id: &str) -> Result<Option<Delivered>, StoreError> {
    sql.into()
        .query(
            "select id, webhook_id, message_id, kind, state, attempts, status, duration_ms, \
             problem, created_at, last_at, expires_at from webhook_deliveries where id = $1",
        )
        .bind(id)
        .optional::<Delivered>()
        .await
}
