//! The audit log as lines of JSON or as a table, oldest first: what the command line writes into a file
//! and the console hands out.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::App;
use crate::service::audit::sheet;
use crate::service::failure::Failure;
use crate::store::audit::{self, AuditEvent, AuditFilter, Order};

/// Rows read at once.
const PAGE: i64 = 1_000;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One JSON document on each line.
    Ndjson,
    /// A row of titles, and one row for each event.
    Csv,
}

impl Layout {
    /// That of a name as it stands in an address; nothing stands for lines of JSON.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "" | "ndjson" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// How the name of a file with it ends.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// What it is called in HTTP (RFC 4180, section 3, for CSV).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// Whether the row of titles is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    Due,
    None,
}

/// An export under way.
pub struct Export {
    layout: Layout,
    head: Head,
    /// What it holds; goes on behind what was read.
    filter: AuditFilter,
    /// Events read so far.
    pub count: u64,
}

impl Export {
    /// Of every event that fits, whatever the filter says of order and number.
    #[must_use]
    pub fn of(filter: AuditFilter, layout: Layout) -> Self {
        let filter = AuditFilter { order: Order::OldestFirst, limit: PAGE, after: None, ..filter };
        let head = match layout {
            Layout::Ndjson => Head::None,
            Layout::Csv => Head::Due,
        };
        Self { layout, head, filter, count: 0 }
    }

    /// The next lines; `None` when there are no more. A table has its titles even without events.
    ///
    /// # Errors
    /// [`Failure`] when SQL does not answer.
    pub async fn next(&mut self, app: &App) -> Result<Option<String>, Failure> {
        let page = audit::list(&app.store.db, &self.filter).await?;
        let head = std::mem::replace(&mut self.head, Head::None);
        if page.is_empty() && head == Head::None {
            return Ok(None);
        }
        if let Some(last) = page.last() {
            self.filter.after = Some(last.cursor());
        }
        self.count += page.len() as u64;
        match self.layout {
            Layout::Csv => sheet::rows(&page, head).map(Some),
            Layout::Ndjson => Ok(Some(lines(&page))),
        }
    }
}

fn lines(page: &[AuditEvent]) -> String {
    page.iter().fold(String::new(), |mut lines, event| {
        // Writing into a string cannot fail.
        let _ = writeln!(lines, "{}", document(event));
        lines
    })
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
