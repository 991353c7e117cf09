//! What happened, newest first.

use askama::Template;

use super::paging::{PageLinks, Paging};
use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};
use crate::service::webhooks::kinds::KINDS;

/// `GET /admin/audit?kind=&result=&user=&client=&address=&request_id=&since=&until=&after=`.
#[derive(Debug, Template)]
#[template(path = "admin/audit.html")]
pub struct AuditList {
    pub chrome: Chrome,
    pub console: Console,
    /// What the page was asked for; empty strings ask for everything.
    pub filter: AuditQuery,
    /// Fields: `result`, `since`, `until`. Nothing is shown then.
    pub errors: Vec<FieldError>,
    pub rows: Vec<AuditRow>,
    pub paging: Paging,
}

/// The filter form; each field has the name of its parameter.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    pub kind: String,
    /// `success`, `failure` or nothing.
    pub result: String,
    pub user: String,
    pub client: String,
    pub address: String,
    pub request_id: String,
    /// As it was typed; RFC 3339 or the beginning of it, in UTC.
    pub since: String,
    pub until: String,
}

impl AuditQuery {
    /// Every parameter with its value.
    fn fields(&self) -> [(&'static str, &str); 8] {
        [
            ("kind", &self.kind),
            ("result", &self.result),
            ("user", &self.user),
            ("client", &self.client),
            ("address", &self.address),
            ("request_id", &self.request_id),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }

    fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_empty())
    }
}

/// One event.
#[derive(Debug, Clone)]
pub struct AuditRow {
    pub at: When,
    /// The event's name (`sign_in.failed`).
    pub kind: String,
    pub outcome: Outcome,
    /// Who did it: a username, a client, `system`.
    pub actor: String,
    /// About whom: id and what to call them.
    pub user: Option<(String, String)>,
    pub client_id: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    /// The rest, as `name: value` pairs.
    pub detail: String,
    /// The event's own id.
    pub id: String,
    /// The public id of the session it happened in or is about.
    pub session_id: Option<String>,
    /// Nothing for about a second, until it has its place in the chain.
    pub seal: Option<Sealed>,
    /// What members of something were and are now, where the event says it.
    pub changes: Vec<Changed>,
}

/// An event's place in the chain of the log.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// From 1 without gaps.
    pub number: i64,
    pub at: When,
    pub hash: String,
}

/// What one member was and is now, in words; a dash where there is nothing.
#[derive(Debug, Clone)]
pub struct Changed {
    pub member: String,
    pub before: String,
    pub after: String,
}

/// Whether what was tried came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure,
}

impl Outcome {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Success => "Done",
            Self::Failure => "Failed",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Success => "good",
            Self::Failure => "bad",
        }
    }
}

impl AuditRow {
    pub(super) fn samples() -> Vec<Self> {
        let row = |kind: &str, outcome, seconds: i64, detail: &str| Self {
            at: When::sample(seconds),
            kind: words(kind),
            outcome,
            actor: words("ada"),
            user: Some((words("5f0c1f0e-8a53-4a52-b7f6-0d6b8f1d2a34"), words("ada"))),
            client_id: Some(words("orchard-wiki")),
            address: Some(words("192.0.2.14")),
            request_id: Some(words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c")),
            detail: words(detail),
            id: "019a6b3e-7c20-7a11-9d02-5c6d7e8f9a0b".to_owned(),
            session_id: Some("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d".to_owned()),
            seal: Some(Sealed {
                number: 4_711,
                at: When::sample(seconds - 1),
                hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            }),
            changes: Vec::new(),
        };
        let renamed = Changed {
            member: words("client_name"),
            before: words("Orchard"),
            after: words("Orchard wiki"),
        };
        vec![
            // The newest has not been sealed.
            Self { seal: None, ..row("session.created", Outcome::Success, 1, "") },
            row("sign_in.failed", Outcome::Failure, 95, "reason: wrong_password"),
            row("consent.granted", Outcome::Success, 4_000, "scope: openid profile email"),
            Self {
                changes: vec![renamed],
                ..row("client.updated", Outcome::Success, 7_000, "changed: client_name")
            },
        ]
    }
}

impl AuditList {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    /// Where all events of this filter are in a file of this format.
    fn export(&self, format: &str) -> String {
        let fields = self.filter.fields();
        let asked = fields.iter().copied().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<_> = asked.chain([("format", format)]).collect();
        // Encoding pairs of strings cannot fail.
        let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
        format!("{}/admin/audit/export?{query}", self.chrome.base)
    }

    /// What a download holds, in words.
    fn everything(&self) -> &'static str {
        if self.filter.is_empty() { "everything" } else { "all that match" }
    }

    fn pages(&self) -> PageLinks {
        self.paging.links(&self.filter.fields())
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Audit),
            filter: AuditQuery { user: words("ada"), ..AuditQuery::default() },
            errors: Vec::new(),
            rows: AuditRow::samples(),
            paging: Paging::before(words("019a6b3e")),
        }
    }

    /// Something typed cannot be read.
    #[must_use]
    pub fn sample_wrong() -> Self {
        Self {
            filter: AuditQuery {
                result: words("maybe"),
                since: words("last week"),
                ..AuditQuery::default()
            },
            errors: vec![
                FieldError {
                    field: "result",
                    text: words("Choose one of the results in the list."),
                },
                FieldError {
                    field: "since",
                    text: words("Enter a time in the format 2026-11-21T04:36."),
                },
            ],
            rows: Vec::new(),
            paging: Paging::default(),
            ..Self::sample()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_the_samples_are_of_kinds_that_exist() {
        for row in AuditRow::samples() {
            assert!(KINDS.contains(&row.kind.as_str()), "{}", row.kind);
        }
    }
}
