//! Bringing the schema up to date, under a lock, from the one folder both databases share.
//!
//! An interrupted run can be repeated: each migration is one transaction. A schema made by a newer
//! program is refused, since this one cannot know what it would break.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Executor};

use crate::store::db::connect::Opened;
use crate::store::db::triggers;
use crate::store::error::StoreError;

static MIGRATOR: Migrator = sqlx_macros::migrate!("./migrations");
const TABLE: &str = "_sqlx_migrations";

/// Indexes that make searching by prefix fast on PostgreSQL whatever the database's collation is.
/// SQLite has no such operator class and needs none.
const POSTGRES_ONLY: [&str; 6] = [
    "create index if not exists users_username_prefix on users (username text_pattern_ops)",
    "create index if not exists users_email_prefix on users (email text_pattern_ops)",
    "create index if not exists users_claimed_prefix on users (claimed_email text_pattern_ops)",
    "create index if not exists users_name_prefix on users (name_lower text_pattern_ops)",
    "create index if not exists clients_id_prefix on clients (id text_pattern_ops)",
    "create index if not exists clients_name_prefix on clients (name_lower text_pattern_ops)",
];

/// How long to wait for another process that is migrating the same SQLite file.
const LOCK_LIMIT: Duration = Duration::from_mins(1);
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The schema was made by a later version of this program.
    #[error(
        "the database was made by a newer version of Doorward (schema {found}, this program knows {known}): run that version, or restore a backup made before the upgrade"
    )]
    NewerSchema { found: i64, known: i64 },
    /// A migration that ran once has a different text now.
    #[error("migration {0} was changed after it was applied: use an unmodified build of Doorward")]
    Changed(i64),
    /// A migration could not be carried out; nothing of it remains.
    #[error("migration {version} failed and was undone: {reason}")]
    Failed { version: i64, reason: String },
    /// Another process held the lock for too long.
    #[error("another process is migrating {path}: wait for it to end, then try again")]
    Locked { path: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One migration and whether this database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    pub version: i64,
    /// What it is about; empty for one that this program does not know.
    pub description: String,
    pub applied: bool,
}

impl MigrationStatus {
    /// Whether a later version of this program made it.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.applied && self.description.is_empty()
    }
}

/// Where migrations connect: without the pool's time limits, since an index may take a while.
#[derive(Debug, Clone)]
pub(in crate::store) enum Schema {
    Postgres(Box<PgConnectOptions>),
    Sqlite(Box<SqliteConnectOptions>),
}

impl From<&Opened> for Schema {
    fn from(opened: &Opened) -> Self {
        match opened {
            Opened::Postgres { options, .. } => Self::Postgres(options.clone()),
            Opened::Sqlite { options, .. } => Self::Sqlite(options.clone()),
        }
    }
}

impl Schema {
    /// Applies what is missing.
    pub(in crate::store) async fn migrate(&self) -> Result<(), MigrationError> {
        match self {
            Self::Postgres(options) => {
                let mut connection = PgConnection::connect_with(options).await.map_err(store)?;
                // An advisory lock of this session: closing the connection frees it in any case.
                connection.lock().await.map_err(explained)?;
                let outcome = complete_postgres(&mut connection).await;
                connection.close().await.unwrap_or_default();
                outcome
            }
            Self::Sqlite(options) => {
                let lock = lock_beside(options.get_filename()).await?;
                let mut connection =
                    SqliteConnection::connect_with(options).await.map_err(store)?;
                let outcome = complete_sqlite(&mut connection).await;
                connection.close().await.unwrap_or_default();
                drop(lock);
                outcome
            }
        }
    }

    /// Every migration this program knows or the database has, in order. Changes nothing.
    pub(in crate::store) async fn status(&self) -> Result<Vec<MigrationStatus>, MigrationError> {
        let applied = match self {
            Self::Postgres(options) => {
                let mut connection = PgConnection::connect_with(options).await.map_err(store)?;
                applied(&mut connection).await?
            }
            Self::Sqlite(options) => {
                let mut connection =
                    SqliteConnection::connect_with(options).await.map_err(store)?;
                applied(&mut connection).await?
            }
        };
        let known = MIGRATOR.iter().map(|migration| MigrationStatus {
            version: migration.version,
            description: migration.description.to_string(),
            applied: applied.iter().any(|done| done.version == migration.version),
        });
        let unknown =
            applied.iter().filter(|done| !MIGRATOR.version_exists(done.version)).map(|done| {
                MigrationStatus { version: done.version, description: String::new(), applied: true }
            });
        let mut all: Vec<_> = known.chain(unknown).collect();
        all.sort_by_key(|status| status.version);
        Ok(all)
    }
}

/// Applies what is missing, on a connection or inside its transaction.
pub(in crate::store) async fn complete_postgres(
    connection: &mut PgConnection,
) -> Result<(), MigrationError> {
    run(connection).await?;
    for sql in POSTGRES_ONLY {
        connection.execute(sql).await.map_err(store)?;
    }
    triggers::on_postgres(connection).await.map_err(store)
}

/// Applies what is missing, on a connection or inside its transaction.
pub(in crate::store) async fn complete_sqlite(
    connection: &mut SqliteConnection,
) -> Result<(), MigrationError> {
    run(connection).await?;
    triggers::on_sqlite(connection).await.map_err(store)
}

/// Applies exactly these migrations to a database that has none, as an older version would have.
pub(in crate::store) async fn apply_only<C: Migrate>(
    connection: &mut C,
    versions: &[i64],
) -> Result<(), MigrationError> {
    let those = MIGRATOR.iter().filter(|migration| versions.contains(&migration.version));
    let those = Migrator::with_migrations(those.cloned().collect());
    those.run_direct(None, connection, false).await.map_err(explained)
}

/// The migrations that this program knows.
pub(in crate::store) fn known() -> impl Iterator<Item = i64> {
    MIGRATOR.iter().map(|migration| migration.version)
}

async fn run<C: Migrate>(connection: &mut C) -> Result<(), MigrationError> {
    match MIGRATOR.run_direct(None, connection, false).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_)) => {
            let found = applied(connection).await?.iter().map(|done| done.version).max();
            let known = MIGRATOR.iter().map(|migration| migration.version).max();
            Err(MigrationError::NewerSchema {
                found: found.unwrap_or_default(),
                known: known.unwrap_or_default(),
            })
        }
        Err(error) => Err(explained(error)),
    }
}

/// What has been applied; nothing when the database is empty.
async fn applied<C: Migrate>(connection: &mut C) -> Result<Vec<AppliedMigration>, MigrationError> {
    match connection.list_applied_migrations(TABLE).await {
        Ok(applied) => Ok(applied),
        Err(MigrateError::Execute(sqlx::Error::Database(error)))
            if error.code().is_some_and(|code| code == "42P01" || code == "1") =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(explained(error)),
    }
}

fn explained(error: MigrateError) -> MigrationError {
    match error {
        MigrateError::Execute(error) => store(error),
        MigrateError::ExecuteMigration(error, version) => {
            MigrationError::Failed { version, reason: StoreError::from(error).to_string() }
        }
        MigrateError::VersionMismatch(version) => MigrationError::Changed(version),
        other => StoreError::Corrupt(other.to_string()).into(),
    }
}

fn store(error: sqlx::Error) -> MigrationError {
    MigrationError::Store(error.into())
}

/// Takes the lock file beside the database; it is free again when the file is dropped or the
/// process ends, however it ends.
pub(in crate::store) async fn lock_beside(database: &Path) -> Result<File, MigrationError> {
    let path = lock_path(database);
    let unavailable =
        |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(unavailable)?;
    let patience = tokio::time::Instant::now() + LOCK_LIMIT;
    while tokio::time::Instant::now() < patience {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(std::fs::TryLockError::Error(error)) => return Err(unavailable(error).into()),
        }
    }
    Err(MigrationError::Locked { path: database.display().to_string() })
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    database.with_file_name(name)
}
