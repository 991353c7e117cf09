//! Rows as lines of JSON, counted and hashed. A line is the same on both databases: names in order, no
//! spaces.

use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use super::archive::TableSummary;
use super::{BackupError, News, Stage, Tell};
use crate::crypto::digest::HeapDigest;
use crate::service::audit::chain::write_canonical;
use crate::store::StoreError;
use crate::store::dump::{Row, Rows, Table};

/// The line of a row, without its end.
pub(super) fn line(table: &Table, row: Row) -> String {
    let names = table.columns.iter().map(|column| column.name.clone());
    let members: Map<String, Value> = names.zip(row).collect();
    let mut text = String::new();
    write_canonical(&Value::Object(members), &mut text);
    text
}

/// The row of a line.
pub(super) fn row(table: &Table, line: &str) -> Result<Row, BackupError> {
    let unreadable = || BackupError::damaged(format!("a line of {} is no row of it", table.name));
    let Ok(Value::Object(mut members)) = serde_json::from_str(line) else {
        return Err(unreadable());
    };
    let mut row = Row::with_capacity(table.columns.len());
    for column in &table.columns {
        row.push(members.remove(&column.name).ok_or_else(unreadable)?);
    }
    if members.is_empty() { Ok(row) } else { Err(unreadable()) }
}

/// What a table holds, in two figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    rows: u64,
    digest: HeapDigest,
}

impl Tally {
    pub(super) fn add(&mut self, line: &str) {
        self.rows += 1;
        self.digest.add(line);
    }

    pub(super) fn summary(&self, table: &str) -> TableSummary {
        TableSummary { name: table.to_owned(), rows: self.rows, sha256_sum: self.digest.text() }
    }
}

/// Counts what a database has written, and compares it with what it should be.
pub(super) async fn compare(
    (table, mut rows): (&Table, Rows<'_>),
    wanted: &TableSummary,
    (before, tell): (u64, Tell<'_>),
) -> Result<(), BackupError> {
    let mut tally = Tally::default();
    while let Some(row) = rows.next().await {
        tally.add(&line(table, row.map_err(BackupError::from)?));
        told((Stage::Comparing, table), before + tally.rows, tell);
    }
    if tally.summary(&table.name) == *wanted {
        Ok(())
    } else {
        Err(BackupError::Differs(table.name.clone()))
    }
}

/// Says every few hundred rows how far it is.
pub(super) fn told((stage, table): (Stage, &Table), rows: u64, tell: Tell<'_>) {
    if rows.is_multiple_of(512) {
        tell(News { stage, table: &table.name, rows });
    }
}

/// Reads a stream of rows in heaps of a few hundred, so that each costs its writer one trip.
pub(super) async fn heap(rows: &mut Rows<'_>, most: usize) -> Result<Vec<Row>, StoreError> {
    let mut heap = Vec::with_capacity(most);
    while heap.len() < most
        && let Some(row) = rows.next().await
    {
        heap.push(row?);
    }
    Ok(heap)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::dump::{Column, Kind};

    fn table() -> Table {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let columns =
            vec![column("at", Kind::Integer), column("id", Kind::Text), column("more", Kind::Json)];
        Table { name: "things".to_owned(), columns }
    }

    #[test]
    fn a_row_survives_being_a_line() {
        let whole = vec![json!(7), json!("a\u{2028}\"b\nc"), json!({ "z": [1, null], "a": {} })];
        let text = line(&table(), whole.clone());
        assert!(!text.contains('\n'), "{text}");
        assert_eq!(row(&table(), &text).unwrap(), whole);
        let empty = vec![Value::Null, json!("x"), Value::Null];
        assert_eq!(row(&table(), &line(&table(), empty.clone())).unwrap(), empty);
    }

    #[test]
    fn a_line_of_another_table_is_refused() {
        for text in [
            "",
            "[]",
            r#"{"at":1,"id":"x"}"#,
            r#"{"at":1,"id":"x","more":null,"extra":1}"#,
            r#"{"at":1,"id":"x","more":null} "#.trim_end_matches("} "),
        ] {
            assert!(matches!(row(&table(), text), Err(BackupError::Damaged(_))), "{text}");
        }
    }
}
