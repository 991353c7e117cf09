//! Endpoints of others that are told what happens here. The trigger in [`super::db::triggers`] reads
//! these rows and fills the outbox; [`deliveries`] is the log of what became of it.

pub mod deliveries;

use std::collections::HashMap;

use sqlx_macros::FromRow;

use super::db::{Sql, Target, Tx};
use super::error::StoreError;
use crate::clock::UnixTime;

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: String,
    /// What administrators call it.
    pub name: String,
    pub url: String,
    /// Kinds of audit events, areas such as `user.*`, or `*`; in order.
    pub events: Vec<String>,
    /// Sealed.
    pub secret: String,
    /// The secret before, with which messages are signed as well until then.
    pub previous: Option<(String, UnixTime)>,
    /// Since when no message has arrived; `None` when the last one did.
    pub failing_since: Option<UnixTime>,
    pub created_at: UnixTime,
    pub disabled_at: Option<UnixTime>,
}

#[derive(FromRow)]
struct WebhookRow {
    id: String,
    name: String,
    url: String,
    secret: String,
    previous_secret: Option<String>,
    previous_until: Option<UnixTime>,
    failing_since: Option<UnixTime>,
    created_at: UnixTime,
    disabled_at: Option<UnixTime>,
}

impl WebhookRow {
    fn with(self, events: Vec<String>) -> Webhook {
        Webhook {
            id: self.id,
            name: self.name,
            url: self.url,
            events,
            secret: self.secret,
            previous: self.previous_secret.zip(self.previous_until),
            failing_since: self.failing_since,
            created_at: self.created_at,
            disabled_at: self.disabled_at,
        }
    }
}

/// Adds an endpoint with what it wants. `Conflict` when the name is taken.
pub async fn insert(tx: &mut Tx, webhook: &Webhook) -> Result<(), StoreError> {
    tx.query(
        "insert into webhooks (id, name, url, secret, created_at, disabled_at) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&webhook.id)
    .bind(&webhook.name)
    .bind(&webhook.url)
    .bind(&webhook.secret)
    .bind(webhook.created_at)
    .bind(webhook.disabled_at)
    .execute()
    .await?;
    set_events(tx, webhook).await
}

async fn set_events(tx: &mut Tx, webhook: &Webhook) -> Result<(), StoreError> {
    for pattern in &webhook.events {
        tx.query(
            "insert into webhook_events (webhook_id, pattern) values ($1, $2) \
             on conflict do nothing",
        )
        .bind(&webhook.id)
        .bind(pattern)
        .execute()
        .await?;
    }
    Ok(())
}

/// Holds an endpoint as it is until the caller's transaction is over; `false` if there is none of this id.
pub async fn hold<'a>(sql: impl Sql<'a>, id: &str) -> Result<bool, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let found = sql
        .into()
        .query("update webhooks set name = name where id = $1")
        .bind(id)
        .execute()
        .await?;
    Ok(found == 1)
}

/// Writes name, address and what it wants; `false` if there is none of this id. `Conflict` when the
/// name is taken.
pub async fn update(tx: &mut Tx, webhook: &Webhook) -> Result<bool, StoreError> {
    let changed = tx
        .query("update webhooks set name = $2, url = $3 where id = $1")
        .bind(&webhook.id)
        .bind(&webhook.name)
        .bind(&webhook.url)
        .execute()
        .await?;
    if changed == 0 {
        return Ok(false);
    }
    tx.query("delete from webhook_events where webhook_id = $1")
        .bind(&webhook.id)
        .execute()
        .await?;
    set_events(tx, webhook).await?;
    Ok(true)
}

/// Gives it a new secret; the one before goes on signing until then. `false` if there is none of this
/// id.
pub async fn rotate_secret<'a>(
    sql: impl Sql<'a>,
    id: &str,
    (secret, previous_until): (&str, UnixTime),
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query(
            "update webhooks set previous_secret = secret, previous_until = $3, secret = $2 \
             where id = $1",
        )
        .bind(id)
        .bind(secret)
        .bind(previous_until)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// The endpoint with this id.
pub async fn by_id<'a>(sql: impl Sql<'a>, id: &str) -> Result<Option<Webhook>, StoreError> {
    let mut target: Target<'a> = sql.into();
    let row = target
        .query(
            "select id, name, url, secret, previous_secret, previous_until, failing_since, \
             created_at, disabled_at from webhooks where id = $1",
        )
        .bind(id)
        .optional::<WebhookRow>()
        .await?;
    let Some(row) = row else { return Ok(None) };
    let events = target
        .query("select pattern from webhook_events where webhook_id = $1 order by pattern")
        .bind(id)
        .all::<(String,)>()
        .await?;
    Ok(Some(row.with(events.into_iter().map(|(pattern,)| pattern).collect())))
}

/// Every endpoint, by name. There are a handful.
pub async fn all<'a>(sql: impl Sql<'a>) -> Result<Vec<Webhook>, StoreError> {
    let mut target: Target<'a> = sql.into();
    let rows = target
        .query(
            "select id, name, url, secret, previous_secret, previous_until, failing_since, \
             created_at, disabled_at from webhooks order by name limit 1000",
        )
        .all::<WebhookRow>()
        .await?;
    let wanted = target
        .query("select webhook_id, pattern from webhook_events order by webhook_id, pattern")
        .all::<(String, String)>()
        .await?;
    let mut events: HashMap<String, Vec<String>> = HashMap::new();
    for (id, pattern) in wanted {
        events.entry(id).or_default().push(pattern);
    }
    let with_events = |row: WebhookRow| {
        let wanted = events.remove(&row.id).unwrap_or_default();
        row.with(wanted)
    };
    Ok(rows.into_iter().map(with_events).collect())
}

/// Switches it off unless it is; `false` if nothing changed.
pub async fn disable<'a>(sql: impl Sql<'a>, id: &str, now: UnixTime) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update webhooks set disabled_at = $2 where id = $1 and disabled_at is null")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Switches it on as if it had never failed; `false` if nothing changed.
pub async fn enable<'a>(sql: impl Sql<'a>, id: &str) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query(
            "update webhooks set disabled_at = null, failing_since = null \
             where id = $1 and disabled_at is not null",
        )
        .bind(id)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Notes since when nothing arrives (`Some`; an earlier moment stays), or that something did.
pub async fn set_failing<'a>(
    sql: impl Sql<'a>,
    id: &str,
    since: Option<UnixTime>,
) -> Result<(), StoreError> {
    sql.into()
        .query(
            "update webhooks set failing_since = $2 \
             where id = $1 and ((failing_since is null) <> ($2 is null))",
        )
        .bind(id)
        .bind(since)
        .execute()
        .await
        .map(drop)
}

/// What of its log and of its messages goes with a webhook at once. What is more goes when it expires, or when
/// its turn to be sent comes and nobody is there.
const AT_ONCE: i64 = 1_000;

/// Removes it. `false` if there was none of this id.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    let deleted = tx.query("delete from webhooks where id = $1").bind(id).execute().await?;
    for statement in [
        "delete from webhook_deliveries where id in \
         (select id from webhook_deliveries where webhook_id = $1 limit $2)",
        "delete from outbox where id in \
         (select id from outbox where kind = 'webhook' and client_id = $1 limit $2)",
    ] {
        tx.query(statement).bind(id).bind(AT_ONCE).execute().await?;
    }
    Ok(deleted == 1)
}
