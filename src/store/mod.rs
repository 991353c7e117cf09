//! What outlives a request. [`Store`] is the SQL database, PostgreSQL or SQLite, and the truth;
//! [`ephemeral`] is the fast memory beside it, Redis or in-process, that may forget.
//!
//! Each aggregate has a file of free functions whose first argument is the [`Db`] or a [`Tx`].
//! What must happen at most once is one atomic statement, so that no race can happen twice.

pub mod audit;
pub mod audit_chain;
pub mod cleanup;
pub mod client_documents;
pub mod client_registrations;
pub mod clients;
mod columns;
mod connect;
pub mod consents;
mod cursor;
mod db;
pub mod encryption_keys;
pub mod ephemeral;
mod error;
pub mod figures;
pub mod gateway_cookies;
pub mod grants;
mod health;
pub mod keys;
pub mod links;
mod migrations;
pub mod outbox;
pub mod protected_resources;
pub mod refresh_families;
pub mod registration_tokens;
pub mod revocations;
mod search;
pub mod session_clients;
pub mod sessions;
pub mod sync;
mod triggers;
pub mod trusted_issuers;
pub mod used_jtis;
pub mod users;

pub use connect::DatabaseSettings;
pub use cursor::Cursor;
pub use db::{Db, Record, Sql, Statement, Target, Tx, Value};
pub use error::{ConnectError, StoreError};
pub use health::Health;
pub use migrations::{MigrationError, MigrationStatus};

use connect::Opened;
use migrations::Schema;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub db: Db,
    schema: Schema,
}

impl Store {
    /// Opens the database; it need not have a schema yet.
    pub async fn connect(settings: &DatabaseSettings) -> Result<Self, ConnectError> {
        let opened = connect::open(settings).await?;
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
