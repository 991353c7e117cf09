//! Reading beside a running server, as of one moment.

use sqlx::Executor as _;
use sqlx::postgres::PgPoolOptions;

use super::TABLES;
use super::layout::{self, Table};
use super::rows::{self, Rows};
use crate::store::Store;
use crate::store::db::migrations::Schema;
use crate::store::db::{Db, Tx};
use crate::store::error::StoreError;

/// What a database held at one moment. Nobody who writes waits for it.
#[derive(Debug)]
pub struct Snapshot {
    tx: Tx,
    migrations: Vec<i64>,
    tables: Vec<Table>,
}

impl Snapshot {
    /// Begins it. A database without a schema has no migrations and no tables.
    pub async fn open(store: &Store) -> Result<Self, StoreError> {
        let mut tx = match (&store.db, &store.schema) {
            // A connection of its own, without the limits of one that answers requests.
            (Db::Postgres { .. }, Schema::Postgres(options)) => {
                let pool = PgPoolOptions::new().max_connections(1);
                let pool = pool.connect_with(options.as_ref().clone()).await?;
                let mut open =
                    pool.begin_with("begin isolation level repeatable read, read only").await?;
                open.execute(super::UNLIMITED).await?;
                Tx::unwatched(open)
            }
            (Db::Sqlite { readers, .. }, _) => {
                Tx::Sqlite { open: readers.begin_with("begin").await? }
            }
            (Db::Postgres { .. }, Schema::Sqlite(_)) => {
                return Err(StoreError::Corrupt("a database of two kinds".to_owned()));
            }
        };
        // The first look makes the moment.
        let migrations = layout::migrations(&mut tx).await?;
        let tables = tables(&mut tx).await?;
        Ok(Self { tx, migrations, tables })
    }

    /// The numbers of the migrations it has had, in order.
    pub fn migrations(&self) -> &[i64] {
        &self.migrations
    }

    /// The tables it has, in the order of [`TABLES`].
    pub fn tables(&self) -> Vec<Table> {
        self.tables.clone()
    }

    /// Every row of one of its tables.
    pub fn rows<'a>(&'a mut self, table: &'a Table) -> Rows<'a> {
        rows::read(&mut self.tx, table)
    }
}

/// Those of [`TABLES`] that are there.
pub(super) async fn tables(tx: &mut Tx) -> Result<Vec<Table>, StoreError> {
    let mut there = Vec::with_capacity(TABLES.len());
    for name in TABLES {
        there.extend(layout::of(tx, name).await?);
    }
    Ok(there)
}
