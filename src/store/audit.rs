//! The audit log. It only grows: there is no function that changes or deletes an event.

use serde_json::Value;
use sqlx_macros::FromRow;

use super::columns::{Json, stored_by_name};
use super::cursor::Cursor;
use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;

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
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub kind: Option<String>,
    pub user_id: Option<String>,
    pub client_id: Option<String>,
    pub request_id: Option<String>,
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

#[derive(FromRow)]
struct EventRow {
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

impl From<EventRow> for AuditEvent {
    fn from(row: EventRow) -> Self {
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
        }
    }
}

/// Adds an event. Text may come straight from a request: a NUL character, which PostgreSQL cannot
/// hold, is written as U+FFFD.
pub async fn append<'a>(sql: impl Sql<'a>, event: &AuditEvent) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into audit_events (id, at, kind, outcome, actor, user_id, client_id, \
             session_id, address, request_id, detail) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
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
        .execute()
        .await
        .map(drop)
}

/// The list's statement, with the filter that has an index first: a filter that may be absent keeps
/// SQLite from using one.
macro_rules! list_events {
    ($indexed:literal) => {
        concat!(
            "select id, at, kind, outcome, actor, user_id, client_id, session_id, address, \
             request_id, detail from audit_events where id < $1 and ",
            $indexed,
            " and ($2 is null or kind = $2) and ($3 is null or user_id = $3) \
             and ($4 is null or client_id = $4) and ($5 is null or request_id = $5) \
             order by id desc limit $6"
        )
    };
}

/// A page of events, newest first.
pub async fn list<'a>(
    sql: impl Sql<'a>,
    filter: &AuditFilter,
) -> Result<Vec<AuditEvent>, StoreError> {
    // What few events have comes before what many have.
    let statement = match filter {
        AuditFilter { request_id: Some(_), .. } => list_events!("request_id = $5"),
        AuditFilter { user_id: Some(_), .. } => list_events!("user_id = $3"),
        AuditFilter { client_id: Some(_), .. } => list_events!("client_id = $4"),
        AuditFilter { kind: Some(_), .. } => list_events!("kind = $2"),
        _ => list_events!("true"),
    };
    let rows = sql
        .into()
        .query(statement)
        .bind(filter.after.as_ref().map_or(AFTER_EVERY_ID, |cursor| cursor.id.as_str()))
        .bind(&filter.kind)
        .bind(&filter.user_id)
        .bind(&filter.client_id)
        .bind(&filter.request_id)
        .bind(filter.limit)
        .all::<EventRow>()
        .await?;
    Ok(rows.into_iter().map(AuditEvent::from).collect())
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
