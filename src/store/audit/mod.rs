//! The audit log. It only grows: there is no function that changes or deletes an event.

pub mod chain;

use serde_json::Value;
use sqlx_macros::FromRow;

use super::db::{Sql, Statement};
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::store::db::columns::{Json, stored_by_name};
use crate::store::db::cursor::Cursor;
use crate::store::db::repeated::Repeated;

/// How what was tried ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Success,
    Failure,
}

impl Outcome {
    pub const ALL: [Self; 2] = [Self::Success, Self::Failure];

    /// The name in the database and the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }

    /// The outcome with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

stored_by_name!(Outcome);

/// Something that happened and who did it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AuditEvent {
    /// A UUID of version 7 made at [`AuditEvent::at`]: events are ordered by it alone.
    pub id: String,
    pub at: UnixTime,
    /// What happened, such as `sign_in` or `client.created`.
    pub kind: String,
    pub outcome: Outcome,
    /// Who did it, in words.
    pub actor: Option<String>,
    /// Whom it concerns.
    pub user_id: Option<String>,
    pub client_id: Option<String>,
    pub session_id: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    /// More facts; a JSON object.
    pub detail: Value,
    /// Its place in the chain; `None` until it is sealed, and ignored when it is appended.
    pub seal: Option<Seal>,
}

/// Where an event stands in the chain; see [`crate::store::audit::chain`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Seal {
    /// From 1 without gaps.
    pub seq: i64,
    /// Over the event and the hash before it.
    pub hash: String,
    pub sealed_at: UnixTime,
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    NewestFirst,
    OldestFirst,
}

/// Which events to list; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub kind: Option<String>,
    pub outcome: Option<Outcome>,
    pub user_id: Option<String>,
    pub client_id: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    /// From this moment on.
    pub since: Option<UnixTime>,
    /// Before this moment.
    pub until: Option<UnixTime>,
    pub order: Order,
    /// Where the last page ended; see [`AuditEvent::cursor`].
    pub after: Option<Cursor>,
    /// Most rows to return.
    pub limit: i64,
}

impl AuditEvent {
    /// Its place in the list.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.at, id: self.id.clone() }
    }
}

/// An event as it was written, wherever it stands in the chain.
#[derive(FromRow)]
pub(super) struct StoredEvent {
    id: String,
    at: UnixTime,
    kind: String,
    outcome: Outcome,
    actor: Option<String>,
    user_id: Option<String>,
    client_id: Option<String>,
    session_id: Option<String>,
    address: Option<String>,
    request_id: Option<String>,
    detail: Json<Value>,
}

impl From<StoredEvent> for AuditEvent {
    fn from(row: StoredEvent) -> Self {
        Self {
            id: row.id,
            at: row.at,
            kind: row.kind,
            outcome: row.outcome,
            actor: row.actor,
            user_id: row.user_id,
            client_id: row.client_id,
            session_id: row.session_id,
            address: row.address,
            request_id: row.request_id,
            detail: row.detail.0,
            seal: None,
        }
    }
}

#[derive(FromRow)]
struct EventRow {
    #[sqlx(flatten)]
    event: StoredEvent,
    seq: Option<i64>,
    hash: Option<String>,
    sealed_at: Option<UnixTime>,
}

impl From<EventRow> for AuditEvent {
    fn from(row: EventRow) -> Self {
        let seal = row.seq.zip(row.hash).zip(row.sealed_at);
        let seal = seal.map(|((seq, hash), sealed_at)| Seal { seq, hash, sealed_at });
        Self { seal, ..Self::from(row.event) }
    }
}

/// Adds an event. Text may come straight from a request: a NUL character, which PostgreSQL cannot
/// hold, is written as U+FFFD.
pub async fn append<'a>(sql: impl Sql<'a>, event: &AuditEvent) -> Result<(), StoreError> {
    append_all(sql, std::slice::from_ref(event)).await
}

static APPEND: Repeated = Repeated::new(
    "insert into audit_events (id, at, kind, outcome, actor, user_id, client_id, \
     session_id, address, request_id, detail) values ",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "",
)
.at_most(64);

/// As [`append`], for many at once, in their order.
pub async fn append_all<'a>(sql: impl Sql<'a>, events: &[AuditEvent]) -> Result<(), StoreError> {
    let mut sql = sql.into();
    for (text, page) in APPEND.pages(events) {
        page.iter().fold(sql.query(text), bound).execute().await?;
    }
    Ok(())
}

/// Binds the columns of an event.
fn bound<'a>(statement: Statement<'a>, event: &AuditEvent) -> Statement<'a> {
    statement
        .bind(&event.id)
        .bind(event.at)
        .bind(&event.kind)
        .bind(event.outcome)
        .bind(without_nul(event.actor.as_deref()))
        .bind(without_nul(event.user_id.as_deref()))
        .bind(without_nul(event.client_id.as_deref()))
        .bind(without_nul(event.session_id.as_deref()))
        .bind(without_nul(event.address.as_deref()))
        .bind(without_nul(event.request_id.as_deref()))
        .bind(Json(object_without_nul(&event.detail)))
}

/// The event with this id, without its place in the chain.
pub async fn by_id<'a>(sql: impl Sql<'a>, id: &str) -> Result<Option<AuditEvent>, StoreError> {
    let row = sql
        .into()
        .query(
            "select id, at, kind, outcome, actor, user_id, client_id, session_id, address, \
             request_id, detail from audit_events where id = $1",
        )
        .bind(id)
        .optional::<StoredEvent>()
        .await?;
    Ok(row.map(AuditEvent::from))
}

/// The list's statement, with the filter that has an index first: a filter that may be absent keeps
/// SQLite from using one.
macro_rules! events {
    ($indexed:literal, $direction:literal) => {
        concat!(
            "select e.id, e.at, e.kind, e.outcome, e.actor, e.user_id, e.client_id, e.session_id, \
             e.address, e.request_id, e.detail, c.seq, c.hash, c.sealed_at \
             from audit_events e left join audit_chain c on c.event_id = e.id \
             where e.id > $1 and e.id < $2 and ",
            $indexed,
            " and ($3 is null or e.kind = $3) and ($4 is null or e.outcome = $4) \
             and ($5 is null or e.user_id = $5) and ($6 is null or e.client_id = $6) \
             and ($7 is null or e.address = $7) and ($8 is null or e.request_id = $8) \
             order by e.id ",
            $direction,
            " limit $9"
        )
    };
    ($indexed:literal, by $order:expr) => {
        match $order {
            Order::NewestFirst => events!($indexed, "desc"),
            Order::OldestFirst => events!($indexed, "asc"),
        }
    };
}

/// The statement of [`list`] for such a filter.
#[must_use]
pub fn statement(filter: &AuditFilter) -> &'static str {
    let order = filter.order;
    // What few events have comes before what many have.
    match filter {
        AuditFilter { request_id: Some(_), .. } => events!("e.request_id = $8", by order),
        AuditFilter { user_id: Some(_), .. } => events!("e.user_id = $5", by order),
        AuditFilter { address: Some(_), .. } => events!("e.address = $7", by order),
        AuditFilter { client_id: Some(_), .. } => events!("e.client_id = $6", by order),
        AuditFilter { kind: Some(_), .. } => events!("e.kind = $3", by order),
        AuditFilter { outcome: Some(Outcome::Failure), .. } => {
            events!("e.outcome = 'failure'", by order)
        }
        _ => events!("true", by order),
    }
}

/// A page of events.
pub async fn list<'a>(
    sql: impl Sql<'a>,
    filter: &AuditFilter,
) -> Result<Vec<AuditEvent>, StoreError> {
    let (above, below) = bounds(filter);
    let rows = sql
        .into()
        .query(statement(filter))
        .bind(above)
        .bind(below)
        .bind(&filter.kind)
        .bind(filter.outcome)
        .bind(&filter.user_id)
        .bind(&filter.client_id)
        .bind(&filter.address)
        .bind(&filter.request_id)
        .bind(filter.limit)
        .all::<EventRow>()
        .await?;
    Ok(rows.into_iter().map(AuditEvent::from).collect())
}

/// Between which ids the page lies: the time asked for, cut where the last page ended.
fn bounds(filter: &AuditFilter) -> (String, String) {
    let mut above = filter.since.map(first_id).unwrap_or_default();
    let mut below = filter.until.map_or_else(|| AFTER_EVERY_ID.to_owned(), first_id);
    if let Some(after) = &filter.after {
        match filter.order {
            Order::NewestFirst => below = below.min(after.id.clone()),
            Order::OldestFirst => above = above.max(after.id.clone()),
        }
    }
    (above, below)
}

/// Sorts after every id, which is a UUID of lower-case hexadecimal digits.
const AFTER_EVERY_ID: &str = "g";

/// What the ids of all events at or after a moment begin with, or sort after.
pub fn first_id(at: UnixTime) -> String {
    let millis = u64::try_from(at.0).unwrap_or(0).saturating_mul(1000);
    format!("{:08x}-{:04x}", millis >> 16, millis & 0xFFFF)
}

fn without_nul(text: Option<&str>) -> Option<String> {
    text.map(|text| text.replace('\0', "\u{fffd}"))
}

/// The detail as a JSON object without NUL characters; anything else is put under `value`.
fn object_without_nul(detail: &Value) -> Value {
    fn clean(value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(text.replace('\0', "\u{fffd}")),
            Value::Array(items) => items.iter().map(clean).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.replace('\0', "\u{fffd}"), clean(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }
    match clean(detail) {
        Value::Null => serde_json::json!({}),
        object @ Value::Object(_) => object,
        other => serde_json::json!({ "value": other }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret;

    #[test]
    fn ids_are_ordered_by_time_and_counted_from_a_moment_on() {
        let moments = [0, 1, 1_763_700_000, 1_763_700_001, 4_000_000_000].map(UnixTime);
        for pair in moments.windows(2) {
            let [earlier, later] = pair else { unreachable!() };
            let (one, two) = (secret::new_id(*earlier), secret::new_id(*later));
            assert!(one < two && two.as_str() < AFTER_EVERY_ID);
            assert!(two >= first_id(*later) && one < first_id(*later), "{one} {two}");
        }
    }
}
