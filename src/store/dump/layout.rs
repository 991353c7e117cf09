//! The columns of a table as the database tells them, and the statements that follow from them.

use serde::{Deserialize, Serialize};

use crate::store::db::Tx;
use crate::store::error::StoreError;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Text,
    Integer,
    Boolean,
    Json,
}

impl Kind {
    /// Both databases keep the word that the migrations use, each in its own way.
    fn from_type(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "text" => Some(Self::Text),
            "bigint" => Some(Self::Integer),
            "boolean" => Some(Self::Boolean),
            "jsonb" => Some(Self::Json),
            _ => None,
        }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    /// By their names.
    pub columns: Vec<Column>,
}

const POSTGRES: &str = "select cast(column_name as text), cast(data_type as text) \
    from information_schema.columns where table_schema = current_schema() and table_name = $1 \
    order by column_name";
const SQLITE: &str = "select name, type from pragma_table_info($1) order by name";

/// The table as it is now; `None` if there is none.
pub(super) async fn of(tx: &mut Tx, name: &str) -> Result<Option<Table>, StoreError> {
    let sql = match tx {
        Tx::Postgres { .. } => POSTGRES,
        Tx::Sqlite { .. } => SQLITE,
    };
    let found: Vec<(String, String)> = tx.query(sql).bind(name).all().await?;
    let mut columns = Vec::with_capacity(found.len());
    for (column, type_name) in found {
        let unknown = || {
            StoreError::Corrupt(format!(
                "column {column:?} of table {name} is of a type {type_name:?}"
            ))
        };
        let is_plain =
            column.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let kind = Kind::from_type(&type_name).filter(|_| is_plain).ok_or_else(unknown)?;
        columns.push(Column { name: column, kind });
    }
    columns.sort_by(|one, other| one.name.cmp(&other.name));
    Ok((!columns.is_empty()).then(|| Table { name: name.to_owned(), columns }))
}

impl Table {
    /// Reads every row. The names come from the database's own schema and are plain words.
    pub(super) fn select(&self) -> String {
        format!("select {} from {}", self.names(), self.name)
    }

    /// The beginning of a statement that adds rows.
    pub(super) fn insert(&self) -> String {
        format!("insert into {} ({}) ", self.name, self.names())
    }

    fn names(&self) -> String {
        let quoted: Vec<_> = self.columns.iter().map(|c| format!("\"{}\"", c.name)).collect();
        quoted.join(", ")
    }
}

/// The numbers of the migrations the database has had, in order; none if it has no schema.
pub(super) async fn migrations(tx: &mut Tx) -> Result<Vec<i64>, StoreError> {
    let there = match tx {
        Tx::Postgres { .. } => {
            "select cast(count(*) as bigint) from information_schema.tables \
             where table_schema = current_schema() and table_name = '_sqlx_migrations'"
        }
        Tx::Sqlite { .. } => {
            "select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'"
        }
    };
    if tx.query(there).one::<(i64,)>().await?.0 == 0 {
        return Ok(Vec::new());
    }
    let applied = "select version from _sqlx_migrations where success order by version";
    let rows: Vec<(i64,)> = tx.query(applied).all().await?;
    Ok(rows.into_iter().map(|(version,)| version).collect())
}
