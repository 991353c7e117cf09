//! The columns that hold values sealed under the master key, each a text of its own. Letters that wait are
//! part of what the outbox keeps as JSON, and the marks of the audit log are signed: those are with their
//! tables.

use super::db::{Sql, Tx};
use super::error::StoreError;

/// A column with sealed values, and the statements for it.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Table and column.
    pub name: &'static str,
    page: &'static str,
    replace: &'static str,
}

macro_rules! column {
    ($table:literal, $key:literal, $column:literal) => {
        Column {
            name: concat!($table, ".", $column),
            page: concat!(
                "select ",
                $key,
                " as id, ",
                $column,
                " as sealed from ",
                $table,
                " where ",
                $key,
                " > $1 and ",
                $column,
                " is not null order by ",
                $key,
                " limit $2"
            ),
            replace: concat!(
                "update ",
                $table,
                " set ",
                $column,
                " = $3 where ",
                $key,
                " = $1 and ",
                $column,
                " = $2"
            ),
        }
    };
}

pub const SIGNING_KEYS: Column = column!("signing_keys", "kid", "sealed_private");
pub const ENCRYPTION_KEYS: Column = column!("encryption_keys", "kid", "sealed_private");
pub const SUCCESSORS: Column = column!("refresh_families", "id", "successor_sealed");
pub const API_ANSWERS: Column = column!("api_requests", "id", "answer");
pub const WEBHOOK_SECRETS: Column = column!("webhooks", "id", "secret");
pub const PREVIOUS_WEBHOOK_SECRETS: Column = column!("webhooks", "id", "previous_secret");
pub const UPSTREAM_SECRETS: Column = column!("upstream_providers", "id", "client_secret");
pub const KEPT_KEYS: Column = column!("kept_keys", "name", "sealed");

/// A page of sealed values and the ids of their rows, by these.
pub async fn page<'a>(
    sql: impl Sql<'a>,
    column: Column,
    (after, limit): (&str, i64),
) -> Result<Vec<(String, String)>, StoreError> {
    sql.into().query(column.page).bind(after).bind(limit).all().await
}

/// Replaces a sealed value; `false` if it is another one meanwhile, or gone.
pub async fn replace(
    tx: &mut Tx,
    (column, id): (Column, &str),
    (from, to): (&str, &str),
) -> Result<bool, StoreError> {
    Ok(tx.query(column.replace).bind(id).bind(from).bind(to).execute().await? == 1)
}
