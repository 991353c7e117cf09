//! What the database says of itself. For people who look after it; its clock is `sync::clock`.

use super::db::{Db, Sql, Target, Tx, migrations};
use super::error::StoreError;

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its name and version, such as `PostgreSQL 16.4`.
    pub version: String,
    /// The number before the first dot of the version.
    pub major: i64,
}

const OF_POSTGRES: &str = "select current_setting('server_version')";
const OF_SQLITE: &str = "select sqlite_version()";

/// Asks for it.
pub async fn read<'a>(sql: impl Sql<'a>) -> Result<About, StoreError> {
    let mut sql = sql.into();
    let (text, name) = match &sql {
        Target::Db(Db::Postgres { .. }) | Target::Tx(Tx::Postgres { .. }) => {
            (OF_POSTGRES, "PostgreSQL")
        }
        Target::Db(Db::Sqlite { .. }) | Target::Tx(Tx::Sqlite { .. }) => (OF_SQLITE, "SQLite"),
    };
    let (version,) = sql.query(text).one::<(String,)>().await?;
    let major = version.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    Ok(About { major: major.parse().unwrap_or_default(), version: format!("{name} {version}") })
}

/// Whether every migration that this program knows has been applied. Those of a later version do not matter: they
/// are there while nodes are upgraded one after the other, and a start on such a schema is refused.
pub async fn has_schema<'a>(sql: impl Sql<'a>) -> Result<bool, StoreError> {
    let (known, newest) = migrations::known()
        .fold((0_i64, 0), |(count, newest), version| (count + 1, version.max(newest)));
    let asked = sql
        .into()
        .query("select count(*) from _sqlx_migrations where success and version <= $1")
        .bind(newest)
        .one::<(i64,)>()
        .await?;
    Ok(asked.0 >= known)
}
