//! What outlives a request. [`Store`] is the SQL database, PostgreSQL or SQLite, and the truth;
//! [`ephemeral`] is the fast memory beside it, Redis or in-process, that may forget.
//!
//! Each aggregate has a file of free functions whose first argument is the [`Db`] or a [`Tx`].
//! What must happen at most once is one atomic statement, so that no race can happen twice.

pub mod about;
pub mod activity;
pub mod api;
pub mod at_rest;
pub mod audit;
pub mod cleanup;
pub mod clients;
pub mod consents;
mod db;
pub mod dump;
pub mod ephemeral;
mod error;
pub mod figures;
pub mod gateway_cookies;
pub mod grants;
pub mod group_managers;
pub mod groups;
pub mod imports;
pub mod kept_keys;
pub mod keys;
pub mod known_marks;
pub mod links;
pub mod managed;
pub mod order;
pub mod organisations;
pub mod outbox;
pub mod pairs;
pub mod pictures;
pub mod revocations;
pub mod served_issuers;
pub mod sessions;
pub mod settings;
pub mod sign_ins;
pub mod sync;
pub mod trusted_issuers;
pub mod upstream_providers;
pub mod used_jtis;
pub mod users;
pub mod waiting;
pub mod webhooks;

pub use db::connect::DatabaseSettings;
pub use db::cursor::Cursor;
pub use db::health::Health;
pub use db::migrations::{MigrationError, MigrationStatus};
pub use db::{Db, Record, Sql, Statement, Target, Tx, Value};
pub use error::{ConnectError, StoreError};

use db::connect::{Missing, Opened};
use db::migrations::Schema;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub db: Db,
    schema: Schema,
}

impl Store {
    /// Opens the database; it need not have a schema yet.
    pub async fn connect(settings: &DatabaseSettings) -> Result<Self, ConnectError> {
        Self::open(settings, Missing::Made).await
    }

    /// Opens a database that must be there already: a SQLite file is not made.
    pub async fn connect_to_existing(settings: &DatabaseSettings) -> Result<Self, ConnectError> {
        Self::open(settings, Missing::Refused).await
    }

    async fn open(settings: &DatabaseSettings, missing: Missing) -> Result<Self, ConnectError> {
        let opened = db::connect::open(settings, missing).await?;
        let schema = Schema::from(&opened);
        let (Opened::Postgres { db, .. } | Opened::Sqlite { db, .. }) = opened;
        Ok(Self { db, schema })
    }

    /// Brings the schema up to date. Safe to run from several processes at once.
    pub async fn migrate(&self) -> Result<(), MigrationError> {
        self.schema.migrate().await
    }

    /// What [`Store::migrate`] has done and would do; changes nothing.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, MigrationError> {
        self.schema.status().await
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        self.db.begin().await
    }
}
