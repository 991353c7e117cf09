//! The audit log as lines of JSON, oldest first: what the command line writes into a file and the
//! console hands out.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::App;
use crate::service::failure::Failure;
use crate::store::audit::{self, AuditEvent, AuditFilter, Order};

/// Rows read at once.
const PAGE: i64 = 1_000;

/// An export under way.
pub struct Export {
    /// What it holds; goes on behind what was read.
    filter: AuditFilter,
    /// Events read so far.
    pub count: u64,
}

impl Export {
    /// Of every event that fits, whatever the filter says of order and number.
    #[must_use]
    pub fn of(filter: AuditFilter) -> Self {
        let filter = AuditFilter { order: Order::OldestFirst, limit: PAGE, after: None, ..filter };
        Self { filter, count: 0 }
    }

    /// The next lines; `None` when there are no more.
    ///
    /// # Errors
    /// [`Failure`] when SQL does not answer.
    pub async fn next(&mut self, app: &App) -> Result<Option<String>, Failure> {
        let page = audit::list(&app.store.db, &self.filter).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.filter.after = Some(last.cursor());
        self.count += page.len() as u64;
        let mut lines = String::new();
        for event in &page {
            // Writing into a string cannot fail.
            let _ = writeln!(lines, "{}", document(event));
        }
        Ok(Some(lines))
    }
}

/// An event with every member, and its place in the chain if it has one by now.
#[must_use]
pub fn document(event: &AuditEvent) -> Value {
    let seal = event.seal.as_ref();
    json!({
        "seq": seal.map(|seal| seal.seq),
        "id": event.id,
        "at": event.at.rfc3339(),
        "kind": event.kind,
        "result": event.outcome.as_str(),
        "actor": event.actor,
        "user_id": event.user_id,
        "client_id": event.client_id,
        "session_id": event.session_id,
        "address": event.address,
        "request_id": event.request_id,
        "detail": event.detail,
        "sealed_at": seal.map(|seal| seal.sealed_at.rfc3339()),
        "hash": seal.map(|seal| seal.hash.as_str()),
    })
}
