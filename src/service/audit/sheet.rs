//! Events as rows of CSV (RFC 4180), for spreadsheets. Some of the text in them came from strangers, such
//! as the name of an app that registered itself, so no cell is taken for a formula.

use std::borrow::Cow;

use crate::service::audit::export::Head;
use crate::service::failure::Failure;
use crate::store::audit::AuditEvent;

/// The titles of the columns: the members of an exported event, in the same order.
const TITLES: [&str; 14] = [
    "seq",
    "id",
    "at",
    "kind",
    "result",
    "actor",
    "user_id",
    "client_id",
    "session_id",
    "address",
    "request_id",
    "detail",
    "sealed_at",
    "hash",
];

/// The rows of these events, the titles before them if they are due.
///
/// # Errors
/// None that comes up: the rows are written into memory, and each has as many cells as the others.
pub(super) fn rows(events: &[AuditEvent], head: Head) -> Result<String, Failure> {
    let failure = |error: &dyn std::fmt::Display| Failure::Internal(error.to_string());
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if head == Head::Due {
        writer.write_record(TITLES).map_err(|error| failure(&error))?;
    }
    for event in events {
        let cells = cells(event);
        let cells = cells.iter().map(|cell| defused(cell).into_owned());
        writer.write_record(cells).map_err(|error| failure(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| failure(&error))?;
    String::from_utf8(bytes).map_err(|error| failure(&error))
}

fn cells(event: &AuditEvent) -> [String; TITLES.len()] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let seal = event.seal.as_ref();
    [
        seal.map(|seal| seal.seq.to_string()).unwrap_or_default(),
        event.id.clone(),
        event.at.rfc3339(),
        event.kind.clone(),
        event.outcome.as_str().to_owned(),
        text(&event.actor),
        text(&event.user_id),
        text(&event.client_id),
        text(&event.session_id),
        text(&event.address),
        text(&event.request_id),
        event.detail.to_string(),
        seal.map(|seal| seal.sealed_at.rfc3339()).unwrap_or_default(),
        seal.map(|seal| seal.hash.clone()).unwrap_or_default(),
    ]
}

/// The text with a quote in front if spreadsheets would calculate it. They show the quote as text, and
/// programs know by it that it is to be taken away.
fn defused(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{TITLES, rows};
    use crate::clock::UnixTime;
    use crate::service::audit::export::{Head, document};
    use crate::store::audit::{AuditEvent, Outcome, Seal};

    fn event(actor: &str) -> AuditEvent {
        AuditEvent {
            id: "019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c".to_owned(),
            at: UnixTime(1_763_700_000),
            kind: "client.created".to_owned(),
            outcome: Outcome::Success,
            actor: Some(actor.to_owned()),
            user_id: None,
            client_id: Some("wiki".to_owned()),
            session_id: None,
            address: None,
            request_id: None,
            detail: json!({ "client_name": "A \"good\", long\nname" }),
            seal: Some(Seal {
                seq: 7,
                sealed_at: UnixTime(1_763_700_001),
                hash: "-mRX=".to_owned(),
            }),
        }
    }

    fn read(text: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
        rows.collect()
    }

    #[test]
    fn a_row_has_every_member_of_the_event_under_its_title() {
        let event = event("system");
        let text = rows(std::slice::from_ref(&event), Head::Due).unwrap();
        assert!(text.ends_with("\r\n"));
        let read = read(&text);
        assert_eq!(read.len(), 2);
        assert_eq!(read[0], TITLES);
        let document = document(&event);
        assert_eq!(document.as_object().unwrap().len(), TITLES.len());
        for (title, cell) in TITLES.iter().zip(&read[1]) {
            let expected = match &document[title] {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) if *title == "hash" => format!("'{text}"),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(cell, &expected, "{title}");
        }
    }

    #[test]
    fn titles_come_once_and_even_without_events() {
        assert_eq!(read(&rows(&[], Head::Due).unwrap()), [TITLES]);
        assert_eq!(rows(&[], Head::None).unwrap(), "");
        assert_eq!(read(&rows(&[event("system")], Head::None).unwrap()).len(), 1);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for start in ["=", "+", "-", "@", "\t", "\r", "\n"] {
            let actor = format!("{start}cmd|' /C calc'!A0");
            let text = rows(&[event(&actor)], Head::None).unwrap();
            assert_eq!(read(&text)[0][5], format!("'{actor}"));
        }
        let text = rows(&[event("user:a=b")], Head::None).unwrap();
        assert_eq!(read(&text)[0][5], "user:a=b");
    }
}
