//! Values out of columns and into them, the same on both databases.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};
use serde_json::Value;
use sqlx::query_builder::QueryBuilder;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Decode, Encode, Postgres, Sqlite, Type};

use super::Row;
use super::layout::{Kind, Table};
use crate::store::db::Tx;
use crate::store::error::StoreError;

/// Rows as they come; a reader that is slow slows the database down and holds nothing in memory.
pub type Rows<'a> = Pin<Box<dyn Stream<Item = Result<Row, StoreError>> + Send + 'a>>;

/// Parameters of one statement: below what the older SQLite takes.
const PARAMETERS: usize = 900;

/// Every row of a table.
pub(super) fn read<'a>(tx: &'a mut Tx, table: &'a Table) -> Rows<'a> {
    // The text is made of the names that the database's own schema has, each a plain word.
    let query = AssertSqlSafe(table.select());
    match tx {
        Tx::Postgres { open, .. } => {
            let rows = sqlx::query(query).fetch(&mut **open);
            Box::pin(rows.map(move |row| decoded(table, &row?)))
        }
        Tx::Sqlite { open } => {
            let rows = sqlx::query(query).fetch(&mut **open);
            Box::pin(rows.map(move |row| decoded(table, &row?)))
        }
    }
}

fn decoded<'r, R>(table: &Table, row: &'r R) -> Result<Row, StoreError>
where
    R: sqlx::Row,
    usize: sqlx::ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
    Json<Value>: Decode<'r, R::Database> + Type<R::Database>,
{
    let mut values = Vec::with_capacity(table.columns.len());
    for (place, column) in table.columns.iter().enumerate() {
        let value = match column.kind {
            Kind::Text => row.try_get::<Option<String>, _>(place)?.map(Value::from),
            Kind::Integer => row.try_get::<Option<i64>, _>(place)?.map(Value::from),
            Kind::Boolean => row.try_get::<Option<bool>, _>(place)?.map(Value::from),
            Kind::Json => row.try_get::<Option<Json<Value>>, _>(place)?.map(|json| json.0),
        };
        values.push(value.unwrap_or_default());
    }
    Ok(values)
}

/// Adds rows.
pub(super) async fn write(tx: &mut Tx, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
    let at_once = (PARAMETERS / table.columns.len().max(1)).max(1);
    for some in rows.chunks(at_once) {
        match tx {
            Tx::Postgres { open, .. } => {
                let mut statement = statement::<Postgres>(table, some)?;
                statement.build().execute(&mut **open).await?;
            }
            Tx::Sqlite { open } => {
                let mut statement = statement::<Sqlite>(table, some)?;
                statement.build().execute(&mut **open).await?;
            }
        }
    }
    Ok(())
}

fn statement<DB>(table: &Table, rows: &[Row]) -> Result<QueryBuilder<DB>, StoreError>
where
    DB: sqlx::Database,
    for<'q> Option<String>: Encode<'q, DB> + Type<DB>,
    for<'q> Option<i64>: Encode<'q, DB> + Type<DB>,
    for<'q> Option<bool>: Encode<'q, DB> + Type<DB>,
    for<'q> Option<Json<Value>>: Encode<'q, DB> + Type<DB>,
{
    let mut statement = QueryBuilder::<DB>::new(table.insert());
    statement.push("values ");
    for (place, row) in rows.iter().enumerate() {
        statement.push(if place == 0 { "(" } else { ", (" });
        if row.len() != table.columns.len() {
            return Err(misfit(table, "a row has not as many values as there are columns"));
        }
        let mut values = statement.separated(", ");
        for (column, value) in table.columns.iter().zip(row) {
            let wrong = || misfit(table, &format!("{} is not of its kind", column.name));
            let given = Some(value).filter(|value| !value.is_null());
            match column.kind {
                Kind::Text => {
                    let text = given.map(|value| value.as_str().ok_or_else(wrong)).transpose()?;
                    values.push_bind(text.map(ToOwned::to_owned));
                }
                Kind::Integer => {
                    let number = given.map(|value| value.as_i64().ok_or_else(wrong)).transpose()?;
                    values.push_bind(number);
                }
                Kind::Boolean => {
                    let truth = given.map(|value| value.as_bool().ok_or_else(wrong)).transpose()?;
                    values.push_bind(truth);
                }
                Kind::Json => {
                    let is_json = |value: &&Value| value.is_object() || value.is_array();
                    let json =
                        given.map(|v| Some(v).filter(is_json).ok_or_else(wrong)).transpose()?;
                    values.push_bind(json.map(|value| Json(value.clone())));
                }
            }
        }
        statement.push(")");
    }
    Ok(statement)
}

fn misfit(table: &Table, why: &str) -> StoreError {
    StoreError::Corrupt(format!("{}: {why}", table.name))
}
