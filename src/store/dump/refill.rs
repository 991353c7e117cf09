//! Filling a database as a whole or not at all: one transaction that makes the schema, takes the rows, and
//! brings the schema up to date. Whatever ends it early leaves the database as it was.

use std::fs::File;
use std::time::Duration;

use sqlx::Executor as _;
use sqlx::migrate::Migrate as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Postgres, Transaction};

use super::layout::{self, Table};
use super::rows::{self, Rows};
use super::snapshot::tables;
use super::{Row, SINGLE_ROW, TABLES, UNLIMITED};
use crate::store::Store;
use crate::store::db::Tx;
use crate::store::db::migrations::{self, MigrationError, Schema};
use crate::store::error::StoreError;

/// How often, and at which distance, it is asked whether all servers have gone: a connection that was
/// just closed is seen for a moment longer.
const LOOKS: usize = 20;
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// What may be in the database before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing but a schema.
    MustBeEmpty,
    /// Anything of Doorward's; it goes.
    Replaced,
}

/// Why a database could not be filled. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RefillError {
    #[error("the database is not empty")]
    NotEmpty,
    #[error("the database is in use: stop every server that uses it, then try again")]
    InUse,
    #[error("the database has tables of another program: give Doorward one of its own")]
    Foreign,
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RefillError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A database being filled.
#[derive(Debug)]
pub struct Refill {
    tx: Tx,
    tables: Vec<Table>,
    /// Keeps servers from starting meanwhile; those on PostgreSQL wait for a lock of the connection.
    _lock: Option<File>,
}

impl Refill {
    /// Begins with an empty database of this schema: the migrations with these numbers, each of which
    /// this program must know.
    pub async fn begin(
        store: Store,
        before: Before,
        versions: &[i64],
    ) -> Result<Self, RefillError> {
        // The one connection used from here on is to be the only one.
        store.db.close().await;
        let (mut tx, lock) = match &store.schema {
            Schema::Postgres(options) => (postgres(options).await?, None),
            Schema::Sqlite(options) => {
                let lock = migrations::lock_beside(options.get_filename()).await?;
                (sqlite(options).await?, Some(lock))
            }
        };
        make_room(&mut tx, before).await?;
        match &mut tx {
            Tx::Postgres { open, .. } => migrations::apply_only(&mut **open, versions).await?,
            Tx::Sqlite { open } => migrations::apply_only(&mut **open, versions).await?,
        }
        let tables = tables(&mut tx).await?;
        empty(&mut tx, SINGLE_ROW).await?;
        Ok(Self { tx, tables, _lock: lock })
    }

    /// The tables it has, in the order of [`TABLES`].
    pub fn tables(&self) -> Vec<Table> {
        self.tables.clone()
    }

    /// Adds rows to one of its tables. What they refer to must be there.
    pub async fn add(&mut self, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        rows::write(&mut self.tx, table, rows).await
    }

    /// Every row of one of its tables, as it is now.
    pub fn rows<'a>(&'a mut self, table: &'a Table) -> Rows<'a> {
        rows::read(&mut self.tx, table)
    }

    /// Brings the schema up to date and gives the transaction, for what else belongs to it. Rows can no
    /// more be added.
    pub async fn complete(&mut self) -> Result<&mut Tx, RefillError> {
        match &mut self.tx {
            Tx::Postgres { open, .. } => migrations::complete_postgres(open).await?,
            Tx::Sqlite { open } => migrations::complete_sqlite(open).await?,
        }
        Ok(&mut self.tx)
    }

    /// Makes it permanent.
    pub async fn commit(self) -> Result<(), StoreError> {
        // Without the time limit of an answer: there may be much to write.
        match self.tx {
            Tx::Postgres { open, .. } => Ok(open.commit().await?),
            Tx::Sqlite { open } => Ok(open.commit().await?),
        }
    }
}

async fn postgres(options: &PgConnectOptions) -> Result<Tx, RefillError> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
    let mut open = pool.begin().await?;
    open.execute(UNLIMITED).await?;
    // What servers take when they start.
    open.lock().await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    wait_for_servers(&mut open).await?;
    Ok(Tx::unwatched(open))
}

/// Refuses while there is another connection of Doorward.
async fn wait_for_servers(open: &mut Transaction<'static, Postgres>) -> Result<(), RefillError> {
    let others = "select count(*) from pg_stat_activity where datname = current_database() \
        and application_name = 'doorward' and pid <> pg_backend_pid()";
    for _ in 0..LOOKS {
        // Within a transaction the answer would stay what it was.
        open.execute("select pg_stat_clear_snapshot()").await?;
        let count: i64 = sqlx::query_scalar(others).fetch_one(&mut **open).await?;
        if count == 0 {
            return Ok(());
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    Err(RefillError::InUse)
}

async fn sqlite(options: &SqliteConnectOptions) -> Result<Tx, RefillError> {
    // Leaving write-ahead logging is possible for the only connection alone, and with this locking mode
    // it stays the only one.
    let alone = options
        .clone()
        .journal_mode(SqliteJournalMode::Delete)
        .locking_mode(SqliteLockingMode::Exclusive);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(alone).await;
    let pool = pool.map_err(in_use)?;
    Ok(Tx::Sqlite { open: pool.begin_with("begin exclusive").await.map_err(in_use)? })
}

fn in_use(error: sqlx::Error) -> RefillError {
    // SQLITE_BUSY, whatever the extended code says.
    let is_busy = |code: &str| code.parse::<i64>().is_ok_and(|code| code & 0xff == 5);
    let code = error.as_database_error().and_then(|error| error.code().map(String::from));
    if code.as_deref().is_some_and(is_busy) { RefillError::InUse } else { error.into() }
}

/// Removes the schema with everything in it, if that may be.
async fn make_room(tx: &mut Tx, before: Before) -> Result<(), RefillError> {
    let applied = layout::migrations(tx).await?;
    let there = tables(tx).await?;
    if let Some(found) = super::unknown_migration(&applied) {
        let known = migrations::known().max().unwrap_or_default();
        return Err(MigrationError::NewerSchema { found, known }.into());
    }
    if applied.is_empty() && !there.is_empty() {
        return Err(RefillError::Foreign);
    }
    for table in there.iter().filter(|table| table.name != SINGLE_ROW) {
        let any = format!("select cast(1 as bigint) from {} limit 1", table.name);
        if before == Before::MustBeEmpty && has_rows(tx, any).await? {
            return Err(RefillError::NotEmpty);
        }
    }
    for name in TABLES.iter().rev().chain(&["_sqlx_migrations"]) {
        run(tx, format!("drop table if exists {name}")).await?;
    }
    Ok(())
}

async fn empty(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    run(tx, format!("delete from {name}")).await
}

/// Runs a statement made of names that are written down in this module.
async fn run(tx: &mut Tx, sql: String) -> Result<(), StoreError> {
    match tx {
        Tx::Postgres { open, .. } => {
            sqlx::query(AssertSqlSafe(sql)).execute(&mut **open).await?;
        }
        Tx::Sqlite { open } => {
            sqlx::query(AssertSqlSafe(sql)).execute(&mut **open).await?;
        }
    }
    Ok(())
}

async fn has_rows(tx: &mut Tx, sql: String) -> Result<bool, StoreError> {
    Ok(match tx {
        Tx::Postgres { open, .. } => {
            sqlx::query(AssertSqlSafe(sql)).fetch_optional(&mut **open).await?.is_some()
        }
        Tx::Sqlite { open } => {
            sqlx::query(AssertSqlSafe(sql)).fetch_optional(&mut **open).await?.is_some()
        }
    })
}
